// Prints the reference of the gRPC API as Markdown, made from proto/api.proto and its comments.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const set = JSON.parse(
  execFileSync('node_modules/.bin/buf', ['build', 'proto', '-o', '-#format=json'], {
    cwd: root,
    encoding: 'utf8',
  }),
);
const file = set.file.find(({ name }) => name === 'api.proto');

// Numbers of descriptor.proto: the path of a comment says what it belongs to.
const [MESSAGES, SERVICES, METHODS, FIELDS] = [4, 6, 2, 2];
const comments = new Map(
  file.sourceCodeInfo.location
    .filter(({ leadingComments }) => leadingComments)
    .map(({ path, leadingComments }) => [path.join('.'), leadingComments.trim().replace(/\s*\n\s*/g, ' ')]),
);
const commentOn = (...path) => comments.get(path.join('.')) ?? '';

const nested = new Map(
  file.messageType.flatMap((message) =>
    (message.nestedType ?? []).map((entry) => [`.types.${message.name}.${entry.name}`, entry]),
  ),
);
const SCALARS = { TYPE_STRING: 'string', TYPE_UINT32: 'uint32', TYPE_UINT64: 'uint64', TYPE_BOOL: 'bool' };
const link = (type) => {
  const name = type.replace('.types.', '');
  return `[${name}](#${name.toLowerCase()})`;
};
function typeOf(field) {
  const entry = nested.get(field.typeName);
  if (entry) return `map of ${typeOf(entry.field[0])} to ${typeOf(entry.field[1])}`;
  const type = SCALARS[field.type] ?? link(field.typeName);
  return field.label === 'LABEL_REPEATED' ? `repeated ${type}` : type;
}

const lines = [
  '# The gRPC API',
  '',
  'Made from `proto/api.proto` by `node scripts/api-doc.mjs > docs/api.md`.',
  '',
  'Service `types.API`, gRPC over HTTP/2 without TLS on a unix socket, `/run/containerd/containerd.sock` unless the',
  'daemon was told otherwise. Fields below 100 are those of containerd 0.0.4; those from 100 on were added since, and',
  'their zero value means the behaviour of 0.0.4. What can go wrong is in [errors](errors.md).',
  '',
  '## Methods',
  '',
  '| method | request | response | |',
  '|---|---|---|---|',
];
for (const [n, method] of file.service[0].method.entries()) {
  const response = `${method.serverStreaming ? 'stream of ' : ''}${link(method.outputType)}`;
  lines.push(
    `| ${method.name} | ${link(method.inputType)} | ${response} | ${commentOn(SERVICES, 0, METHODS, n)} |`,
  );
}
lines.push('', '## Messages', '');
for (const [n, message] of file.messageType.entries()) {
  lines.push(`### ${message.name}`, '');
  const comment = commentOn(MESSAGES, n);
  if (comment) lines.push(comment, '');
  if (!message.field?.length) {
    lines.push('No fields.', '');
    continue;
  }
  lines.push('| number | field | type | |', '|---|---|---|---|');
  for (const [f, field] of message.field.entries()) {
    lines.push(
      `| ${field.number} | ${field.name} | ${typeOf(field)} | ${commentOn(MESSAGES, n, FIELDS, f)} |`,
    );
  }
  lines.push('');
}
process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
