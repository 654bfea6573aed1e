import assert from "node:assert/strict";
import { test } from "node:test";
import { written } from "../lib/config.js";
import { readArguments } from "../lib/parameters.js";
import { scaleBatch } from "../lib/actions/scale_batch.js";
import { refusal } from "./workspace.js";

const REFUSED = [
  ["{", "", /not JSON/],
  ["[]", "", /no JSON object/],
  ["null", "", /no JSON object/],
  ['{"factor": NaN}', "", /not JSON/],
  ["{}", "/factor", /factor is required/],
  ['{"factor": 3}', "/factor", /factor = 3 is not allowed/],
  ['{"factor": "2"}', "/factor", /factor = "2" is not allowed/],
  ['{"factor": {"a": 2}}', "/factor", /factor = an object is not allowed/],
  [`{"factor": ${"[".repeat(30000)}${"]".repeat(30000)}}`, "/factor", /factor = an array is not allowed/],
  ['{"factor": 1e999}', "/factor", /is not allowed/],
  ['{"factor": 2, "rule": "cube"}', "/rule", /rule = "cube" is not allowed/],
  ['{"factor": 2, "a/b~c": 1}', "/a~1b~0c", /"a\/b~c" is no parameter/],
  ['{"factor": 2, "__proto__": 1}', "/__proto__", /is no parameter/],
];

for (const [text, pointer, summary] of REFUSED) {
  test(`arguments ${text.slice(0, 60)} are refused at "${pointer}"`, () => {
    const told = refusal(() => readArguments(scaleBatch.schema, text));
    assert.equal(told.pointer, pointer);
    assert.match(told.summary, summary);
    assert.match(told.detail, /^allowed: /);
  });
}

test("what is left out has its default", () => {
  assert.deepEqual([...readArguments(scaleBatch.schema, '{"factor": 2}')], [["rule", "sqrt"], ["factor", 2]]);
});

test("numbers are written so that YAML 1.1 reads floats", () => {
  const numbers = [0.0006, 0.000123456, 1e-12, 0.02, 2, 123456, 1e30, 0.1 + 0.2];
  const texts = ["6.0e-4", "1.235e-4", "1.0e-12", "0.02", "2.0", "123500.0", "1.0e+30", "0.3"];
  assert.deepEqual(numbers.map((each) => written(each)), texts);
});
