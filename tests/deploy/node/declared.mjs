// Run a Pulumi program with mocks in place of the engine, and print the inputs of its functions as JSON:
// `node --import tsx declared.mjs index.ts`.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const program = resolve(process.argv[2]);
const pulumi = createRequire(program)('@pulumi/pulumi');

const functions = [];
await pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => {
    if (type === 'aws:lambda/function:Function') functions.push([name, inputs]);
    return { id: name, state: { ...inputs, arn: `arn:aws:iam::123456789012:role/${name}` } };
  },
  call: ({ inputs }) => inputs,
});
await import(pathToFileURL(program));
// Until all is registered.
await pulumi.runtime.disconnect();

const told = functions.map(async ([name, inputs]) => [name, { ...inputs, code: await inputs.code.path }]);
console.log(JSON.stringify(Object.fromEntries(await Promise.all(told))));
