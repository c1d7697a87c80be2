import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { indexDescriptors } from './descriptor-index.ts';
import type { Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import type { DescribedFile, DescriptorIndex } from './descriptor-index.ts';

/** Of the same form in both versions; tools begin with the newer one. */
const versions = ['v1', 'v1alpha'] as const;

/** A ServerReflectionRequest: which question it asks, and its text. */
interface Question {
  readonly messageRequest?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType: string; readonly extensionNumber: number };
  readonly allExtensionNumbersOfType?: string;
}

type Definitions = {
  readonly grpc: {
    readonly reflection: Readonly<
      Record<(typeof versions)[number], { readonly ServerReflection: { readonly service: ServiceDefinition } }>
    >;
  };
};

/** Characters of any text of a question. Nothing that the API declares has a longer name. */
const questionTextMax = 1_024;

/**
 * Lets tools such as grpcurl ask what the API offers (grpc.reflection). It tells nothing but the contract, and needs no key.
 * The library's own service reads and writes descriptors anew, by which they lose their options, and types of
 * google.protobuf their names.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  const index = indexDescriptors(readFileSync(pathOf('@postrider/contract/descriptors.binpb')));
  for (const version of versions) {
    const proto = new URL(
      `../proto/grpc/reflection/${version}/reflection.proto`,
      import.meta.resolve('@grpc/reflection'),
    );
    const loaded = loadPackageDefinition(loadSync(fileURLToPath(proto), { oneofs: true })) as unknown as Definitions;
    server.addService(loaded.grpc.reflection[version].ServerReflection.service, {
      ServerReflectionInfo(stream: ServerDuplexStream<Question, object>) {
        stream.on('data', (question: Question) => {
          if (stream.write(answerTo(index, services, question))) return;
          // Anybody may ask: who does not take the answers is asked for no more questions.
          stream.pause();
          stream.once('drain', () => stream.resume());
        });
        stream.on('end', () => stream.end());
      },
    });
  }
}

function pathOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier));
}

function answerTo(index: DescriptorIndex, services: readonly string[], question: Question): object {
  const texts: readonly unknown[] = [...Object.values(question), question.fileContainingExtension?.containingType];
  // It is not repeated either.
  if (texts.some((text) => typeof text === 'string' && text.length > questionTextMax))
    return failed(status.INVALID_ARGUMENT, `a text of the question has more than ${questionTextMax} characters`);
  return { originalRequest: question, ...told(index, services, question) };
}

function told(index: DescriptorIndex, services: readonly string[], question: Question): object {
  switch (question.messageRequest) {
    case 'listServices':
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    case 'fileByFilename':
      return filesOrNone(index.file(question.fileByFilename ?? ''));
    case 'fileContainingSymbol':
      return filesOrNone(index.symbol(question.fileContainingSymbol ?? ''));
    case 'fileContainingExtension': {
      const { containingType = '', extensionNumber = 0 } = question.fileContainingExtension ?? {};
      return filesOrNone(index.extension(containingType, extensionNumber));
    }
    case 'allExtensionNumbersOfType': {
      const baseTypeName = question.allExtensionNumbersOfType ?? '';
      const extensionNumber = index.extensionsOf(baseTypeName);
      return { allExtensionNumbersResponse: { baseTypeName, extensionNumber } };
    }
    default:
      return failed(status.UNIMPLEMENTED, 'this question is not known here');
  }
}

function filesOrNone(files: readonly DescribedFile[] | undefined): object {
  if (files === undefined) return failed(status.NOT_FOUND, 'the API declares nothing of this name');
  return { fileDescriptorResponse: { fileDescriptorProto: files.map(({ bytes }) => bytes) } };
}

function failed(errorCode: status, errorMessage: string): object {
  return { errorResponse: { errorCode, errorMessage } };
}
