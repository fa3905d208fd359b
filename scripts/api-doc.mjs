// Prints the reference of the gRPC API as Markdown, made from proto/api.proto, proto/inspect.proto and their comments.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const set = JSON.parse(
  execFileSync('node_modules/.bin/buf', ['build', 'proto', '-o', '-#format=json'], {
    cwd: root,
    encoding: 'utf8',
  }),
);

// Numbers of descriptor.proto: the path of a comment says what it belongs to.
const [MESSAGES, SERVICES, METHODS, FIELDS] = [4, 6, 2, 2];
const SCALARS = {
  TYPE_STRING: 'string',
  TYPE_UINT32: 'uint32',
  TYPE_UINT64: 'uint64',
  TYPE_BOOL: 'bool',
};
const link = (type) => {
  const name = type.replace('.types.', '');
  return `[${name}](#${name.toLowerCase()})`;
};

/** The methods and messages of one file, with the comments on them. */
function readProto(name) {
  const file = set.file.find((it) => it.name === name);
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
  function typeOf(field) {
    const entry = nested.get(field.typeName);
    if (entry) return `map of ${typeOf(entry.field[0])} to ${typeOf(entry.field[1])}`;
    const type = SCALARS[field.type] ?? link(field.typeName);
    return field.label === 'LABEL_REPEATED' ? `repeated ${type}` : type;
  }

  const methods = ['| method | request | response | |', '|---|---|---|---|'];
  for (const [n, method] of file.service[0].method.entries()) {
    const response = `${method.serverStreaming ? 'stream of ' : ''}${link(method.outputType)}`;
    const comment = commentOn(SERVICES, 0, METHODS, n);
    methods.push(`| ${method.name} | ${link(method.inputType)} | ${response} | ${comment} |`);
  }
  const messages = [];
  for (const [n, message] of file.messageType.entries()) {
    messages.push(`### ${message.name}`, '');
    const comment = commentOn(MESSAGES, n);
    if (comment) messages.push(comment, '');
    if (!message.field?.length) {
      messages.push('No fields.', '');
      continue;
    }
    messages.push('| number | field | type | |', '|---|---|---|---|');
    for (const [f, field] of message.field.entries()) {
      messages.push(
        `| ${field.number} | ${field.name} | ${typeOf(field)} | ${commentOn(MESSAGES, n, FIELDS, f)} |`,
      );
    }
    messages.push('');
  }
  return { methods, messages, comment: commentOn(SERVICES, 0) };
}

const api = readProto('api.proto');
const inspect = readProto('inspect.proto');
const lines = [
  '# The gRPC API',
  '',
  'Made from `proto/api.proto` and `proto/inspect.proto` by `node scripts/api-doc.mjs > docs/api.md`.',
  '',
  'Two services, gRPC over HTTP/2 without TLS on a unix socket, `/run/containerd/containerd.sock` unless the daemon was told',
  'otherwise: [types.API](#methods), which is the API of containerd 0.0.4, and [types.Inspect](#methods-of-typesinspect), which',
  'tells what the actors do. What can go wrong is in [errors](errors.md).',
  '',
  'Fields of `types.API` below 100 are those of containerd 0.0.4; those from 100 on were added since, and their zero value',
  'means the behaviour of 0.0.4.',
  '',
  'An answer of `State`, `Tree` or `History` is as long as what there is to tell: 133 kB for a thousand containers. A client',
  'whose library takes 4 MB at most, as those of gRPC do by themselves, is to be told to take more.',
  '',
  '## Methods',
  '',
  ...api.methods,
  '',
  '## Methods of types.Inspect',
  '',
  inspect.comment,
  '`ctr tree`, `ctr history` and `ctr watch` ask it ([inspector](inspector.md#the-api)).',
  '',
  ...inspect.methods,
  '',
  '## Messages',
  '',
  ...api.messages,
  '## Messages of types.Inspect',
  '',
  ...inspect.messages,
];
process.stdout.write(`${lines.join('\n').trimEnd()}\n`);
