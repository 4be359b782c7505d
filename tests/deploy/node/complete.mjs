// Print what the language server of Even Better TOML proposes in this directory's lambdabuild.toml:
// `node complete.mjs NODE_MODULES LINE:COLUMN...`, a line of JSON for each place.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// What it imports is where the first argument says, and not beside this file.
const [packages, ...places] = process.argv.slice(2);
const { TaploLsp } = createRequire(join(packages, 'here'))('@taplo/lsp');

const environment = {
  now: () => new Date(),
  envVar: () => undefined,
  envVars: () => [],
  stdErrAtty: () => false,
  stdin: async () => new Uint8Array(),
  stdout: async (bytes) => bytes.length,
  stderr: async (bytes) => bytes.length,
  glob: () => [],
  readFile: async (path) => readFileSync(path),
  writeFile: async () => {},
  urlToFilePath: (url) => decodeURI(url.slice('file://'.length)),
  isAbsolute: (path) => path.startsWith('/'),
  cwd: () => process.cwd(),
  findConfigFile: () => undefined,
  // It would ask for the catalog of SchemaStore.
  fetch: { fetch: async () => { throw new Error('no network'); }, Headers, Request, Response },
};

const answers = new Map();
const server = await TaploLsp.initialize(environment, {
  onMessage: (message) => {
    if (message.method && message.id !== undefined) {
      const result = message.method === 'workspace/configuration' ? [{}] : null;
      setTimeout(() => server.send({ jsonrpc: '2.0', id: message.id, result }));
    } else answers.get(message.id)?.(message.result);
  },
});
const send = (message) => server.send({ jsonrpc: '2.0', ...message });
const ask = (id, method, params) =>
  new Promise((resolve) => {
    answers.set(id, resolve);
    send({ id, method, params });
  });

const uri = pathToFileURL('lambdabuild.toml').href;
const root = pathToFileURL(process.cwd()).href;
await ask('initialize', 'initialize', {
  processId: null,
  rootUri: root,
  workspaceFolders: [{ uri: root, name: 'project' }],
  capabilities: {},
});
send({ method: 'initialized', params: {} });
const text = readFileSync('lambdabuild.toml', 'utf8');
send({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId: 'toml', version: 1, text } } });
for (const place of places) {
  const [line, character] = place.split(':').map(Number);
  const found = await ask(place, 'textDocument/completion', { textDocument: { uri }, position: { line, character } });
  console.log(JSON.stringify((found?.items ?? found ?? []).map((item) => item.label)));
}
process.exit(0);
