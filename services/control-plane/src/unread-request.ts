import { requestProblem } from '@postrider/core';
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { FieldViolation } from '@postrider/core';

/** Stands in the place of a request that is not understood as a whole: the handler answers it, and no method ever sees it. */
export class UnreadRequest {
  readonly problem: FieldViolation;

  constructor(problem: FieldViolation) {
    this.problem = problem;
  }
}

/** A service whose requests are read as a whole or not at all; the library would answer what it cannot read with `INTERNAL`. */
export function readWhole(service: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(service).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      const problem = requestProblem(method.path, bytes);
      return problem === null ? (method.requestDeserialize(bytes) as unknown) : new UnreadRequest(problem);
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as ServiceDefinition;
}
