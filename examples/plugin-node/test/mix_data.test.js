import assert from "node:assert/strict";
import { test } from "node:test";
import { mixData } from "../lib/actions/mix_data.js";
import { apply, check, refusal } from "./workspace.js";

const YAML = `data:
  root: /data
  mixture:        # sums to 1
    web: 0.5      # crawl
    code: 0.3
    books: 0.2
`;

test("the parameters are the data sets, with their shares as defaults", () => {
  const { schema } = check(mixData, { "run.yaml": YAML });
  assert.deepEqual(Object.keys(schema.properties), ["web", "code", "books"]);
  assert.deepEqual(schema.properties.code, { type: "number", minimum: 0.01, maximum: 1, "x-scale": "log", default: 0.3 });
});

test("shares are relative, and the sum and the comments stay", () => {
  const { files, summary } = apply(mixData, { "run.yaml": YAML }, { web: 0.4, code: 0.4, books: 0.2 });
  const text = files.get("run.yaml");
  assert.equal(text, YAML.replace("web: 0.5", "web: 0.4").replace("code: 0.3", "code: 0.4"));
  assert.equal(summary, "web 0.4, code 0.4, books 0.2");
});

test("weights that sum to something else keep that sum", () => {
  const json = '{"weights": {"a": 30, "b": 10}}';
  const text = apply(mixData, { "m.json": json }, { a: 0.5, b: 0.5 }).files.get("m.json");
  assert.deepEqual(JSON.parse(text), { weights: { a: 20, b: 20 } });
});

test("a data set may have any name", () => {
  const yaml = "weights:\n  __proto__: 1\n  a/b: 1\n  constructor: 2\n";
  const { schema } = check(mixData, { "m.yaml": yaml });
  assert.deepEqual(Object.keys(schema.properties), ["__proto__", "a/b", "constructor"]);
  const made = apply(mixData, { "m.yaml": yaml }, JSON.parse('{"__proto__": 0.5}')).files.get("m.yaml");
  assert.equal(made, "weights:\n  __proto__: 1.6\n  a/b: 0.8\n  constructor: 1.6\n");
  const { pointer } = refusal(() => apply(mixData, { "m.yaml": yaml }, { "a/b": 7 }));
  assert.equal(pointer, "/a~1b");
});

test("unknown data sets and what changes nothing are refused", () => {
  const { summary, pointer, detail } = refusal(() => apply(mixData, { "run.yaml": YAML }, { wiki: 0.1 }));
  assert.deepEqual([summary, pointer, detail], ['"wiki" is no parameter', "/wiki", "allowed: one of web, code, books"]);
  assert.match(refusal(() => apply(mixData, { "run.yaml": YAML }, {})).summary, /are those that the config has/);
});

test("what is no mixture is left alone", () => {
  for (const text of ["weights:\n  a: 1\n", "weights:\n  a: 1\n  b: x\n", "weights:\n  a: 1\n  b: -1\n", "w: {a: 1, b: 2}\n"]) {
    assert.match(refusal(() => check(mixData, { "run.yaml": text })).summary, /no config here/);
  }
});
