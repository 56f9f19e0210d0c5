'use strict';

/*
 * Compiles LESS and Mustache sources for the simulated CDN.
 *
 * One request is one line of JSON on stdin, one answer one line on stdout, in the same order.
 * Request: {kind: 'less' | 'mustache', file: absolute path}.
 * Answer:  {output, warnings, inputs} or {error: {message, file, line, column, excerpt}, inputs}.
 * `inputs` are all files that were looked at, in the state in which they were read, and those that
 * were looked for in vain, so that the caller can tell when the answer is out of date.
 * It decides nothing about URLs or caching, and ends when its stdin does.
 */

const { createHash } = require('node:crypto');
const nodeFs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const Hogan = require('hogan.js');
const less = require('less');

const EXCERPT_LINES = 2; // before and after the faulty line

const { closeSync, fstatSync, openSync, readFileSync } = nodeFs;
const say = process.stdout.write.bind(process.stdout);
// Whatever a plugin prints belongs into the log, not between two answers.
process.stdout.write = process.stderr.write.bind(process.stderr);

let inputs = new Map();

function stampOf(status) {
  return [status.mtimeNs, status.size, status.ino, status.ctimeNs].map(String);
}

/** Read a file and remember the state that its bytes were in. */
function readRecorded(file) {
  const name = path.resolve(file);
  let descriptor;
  try {
    descriptor = openSync(name, 'r');
    const readAt = BigInt(Date.now()) * 1000000n;
    const stamp = stampOf(fstatSync(descriptor, { bigint: true }));
    const bytes = readFileSync(descriptor);
    const digest = createHash('sha256').update(bytes).digest('hex');
    inputs.set(name, { path: name, stamp, digest, read_at: String(readAt) });
    return bytes;
  } catch (error) {
    if (!inputs.has(name)) inputs.set(name, { path: name, stamp: null });
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function encodingOf(options) {
  return typeof options === 'string' ? options : options && options.encoding;
}

function readFileSyncRecorded(file, options) {
  const bytes = readRecorded(file);
  const encoding = encodingOf(options);
  return encoding ? bytes.toString(encoding) : bytes;
}

function readFileRecorded(file, ...rest) {
  const callback = rest.pop();
  let data;
  try {
    data = readFileSyncRecorded(file, rest[0]);
  } catch (error) {
    process.nextTick(callback, error);
    return;
  }
  process.nextTick(callback, null, data);
}

// less.js reads imports, plugins and inlined images through this one object, misses included, which
// its documented file managers do not report.
less.fs.readFile = readFileRecorded;
less.fs.readFileSync = readFileSyncRecorded;

function readText(file) {
  const text = readRecorded(file).toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function excerptOf(text, line) {
  if (!line) return [];
  const first = Math.max(1, line - EXCERPT_LINES);
  const lines = text.split(/\r\n|\n|\r/).slice(first - 1, line + EXCERPT_LINES);
  return lines.map((content, index) => [first + index, content]);
}

/** Return the text of the file that an error names, or '' if it cannot be read any more. */
function textAt(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

class SourceError extends Error {
  constructor(message, { file, line = null, column = null, text = '' }) {
    super(message);
    this.place = { file, line, column, excerpt: excerptOf(text, line) };
  }
}

async function compileLess(file) {
  const warnings = [];
  const listener = { warn: (message) => warnings.push(String(message)) };
  const text = readText(file);
  less.logger.addListener(listener);
  try {
    const { css } = await less.render(text, { filename: file });
    return { output: css, warnings };
  } catch (error) {
    const place = path.resolve(error.filename || file);
    throw new SourceError(error.message, {
      file: place,
      line: error.line || null,
      column: error.line ? (error.column || 0) + 1 : null,
      text: place === file ? text : textAt(place),
    });
  } finally {
    less.logger.removeListener(listener);
  }
}

/** Hogan names the tag that it stumbled over, not its line: find where that tag stands. */
function lineOfTag(text, message) {
  const tag = /(?:: \/?|vs\. )(\S+)$/.exec(message);
  if (!tag) return null;
  const escaped = tag[1].replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(`\\{\\{[#^$</]\\s*${escaped}\\s*\\}\\}`).exec(text);
  return found ? text.slice(0, found.index).split('\n').length : null;
}

/** An AMD module that is the template: `template.render(context, partials)`. */
function compileMustache(file) {
  const text = readText(file);
  let code;
  try {
    code = Hogan.compile(text, { asString: true });
  } catch (error) {
    const line = lineOfTag(text, error.message);
    throw new SourceError(error.message, { file, line, text });
  }
  // The text is what lambdas see of their section; Hogan itself compiles partials given as text.
  const output = `define(['hogan'], function (Hogan) {
  return new Hogan.Template(${code}, ${JSON.stringify(text)}, Hogan);
});
`;
  return { output, warnings: [] };
}

const COMPILERS = { less: compileLess, mustache: compileMustache };

async function answer({ kind, file }) {
  inputs = new Map();
  try {
    const result = await COMPILERS[kind](file);
    return { ...result, inputs: [...inputs.values()] };
  } catch (error) {
    const place = error.place || { file, line: null, column: null, excerpt: [] };
    return { error: { message: error.message, ...place }, inputs: [...inputs.values()] };
  }
}

async function main() {
  say(`${JSON.stringify({ less: less.version.join('.') })}\n`);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    say(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

main();
