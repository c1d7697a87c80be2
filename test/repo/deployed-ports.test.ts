import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portProblems } from './deployed-ports.ts';

const settings = (port: number) =>
  `kind: ConfigMap\nmetadata:\n  name: postrider-dispatcher\ndata:\n  POSTRIDER_QUESTIONS_PORT: "${port}"\n`;
const pod = `kind: Deployment
metadata:
  name: postrider-dispatcher
spec:
  ports:
    - name: questions
      containerPort: 8084
`;
const policy = (service: string, ingress: string, egress: string) =>
  `kind: NetworkPolicy
metadata:
  name: postrider-${service}
spec:
  ingress:
    - ports:
        - port: ${ingress}
  egress:
    - ports:
        - port: ${egress}
        - port: 9092
`;
const problems = (...documents: string[]) => portProblems(documents.join('---\n'));

test('a service that listens where its pod says, and policies that name ports that there are, fit together', () => {
  assert.deepEqual(problems(settings(8_084), pod, policy('dispatcher', 'questions', 'questions')), []);
});

test('a service that listens elsewhere, or has a port that nothing listens on, is told', () => {
  assert.match(problems(settings(8_085), pod).join(), /^dispatcher: .* questions 8084, .*_QUESTIONS_PORT is 8085$/);
  assert.match(problems(settings(8_084)).join(), /questions \(none\)/);
  const nothing = 'kind: ConfigMap\nmetadata:\n  name: postrider-dispatcher\ndata: {}\n';
  assert.match(problems(nothing, pod).join(), /is not set/);
});

test('a policy that lets in or out to a port that there is not is told', () => {
  assert.match(
    problems(settings(8_084), pod, policy('dispatcher', 'grpc', 'questions')).join(),
    /lets in to the port grpc/,
  );
  assert.match(
    problems(settings(8_084), pod, policy('router', '9090', 'health')).join(),
    /lets out to the port health/,
  );
});
