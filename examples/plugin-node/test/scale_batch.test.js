import assert from "node:assert/strict";
import { test } from "node:test";
import { scaleBatch } from "../lib/actions/scale_batch.js";
import { apply, check, refusal } from "./workspace.js";

const YAML = `# run 12, do not touch the seed
seed: 7
train:
  batch_size: 32   # fits one card
  optimizer: {name: adamw, lr: 3e-4, min_lr: 3.0e-5}
eval:
  batch_size: 64
`;

test("moves batch and learning rates together and leaves every other byte", () => {
  const { files, summary } = apply(scaleBatch, { "conf/run.yaml": YAML }, { factor: 4, rule: "sqrt" });
  const expected = YAML.replace("size: 32", "size: 128").replace("lr: 3e-4", "lr: 6.0e-4").replace("3.0e-5", "6.0e-5");
  assert.equal(files.get("conf/run.yaml"), expected);
  assert.equal(summary, "train.batch_size 32 -> 128, 2 learning rates x 2.0");
});

test("the usual rule is the square root; none leaves the learning rates alone", () => {
  const files = { "run.yaml": YAML };
  assert.equal(apply(scaleBatch, files, { factor: 4 }).summary, apply(scaleBatch, files, { factor: 4, rule: "sqrt" }).summary);
  const alone = apply(scaleBatch, files, { factor: 2, rule: "none" }).files.get("run.yaml");
  assert.equal(alone, YAML.replace("size: 32", "size: 64"));
});

test("Windows line ends, a byte order mark and JSON with tabs stay as they are", () => {
  const windows = "\ufeff" + YAML.replaceAll("\n", "\r\n");
  const text = apply(scaleBatch, { "a.yml": windows }, { factor: 2, rule: "none" }).files.get("a.yml");
  assert.equal(text, windows.replace("size: 32", "size: 64"));
  const json = '{\n\t"batch_size": 8,\n\t"lr": 0.01,\n\t"note": "ü"\n}\n';
  const made = apply(scaleBatch, { "a.json": json }, { factor: 2, rule: "linear" }).files.get("a.json");
  assert.equal(made, json.replace("8", "16").replace("0.01", "0.02"));
  assert.deepEqual(JSON.parse(made), { batch_size: 16, lr: 0.02, note: "ü" });
});

test("only factors that leave a whole batch are offered and taken", () => {
  const files = { "run.yaml": "batch_size: 6\nlr: 0.1\n" };
  assert.deepEqual(check(scaleBatch, files).schema.properties.factor.enum, [0.5, 2, 4]);
  const { summary, pointer, detail } = refusal(() => apply(scaleBatch, files, { factor: 0.25 }));
  assert.equal(summary, "a batch of 1.5 cannot be");
  assert.equal(pointer, "/factor");
  assert.match(detail, /batch_size is 6/);
});

test("two training batch sizes need the user's word", () => {
  const files = { "a.yaml": "batch_size: 8\n", "b.yaml": "stage2:\n  batch_size: 16\n" };
  const { summary, detail, pointer } = refusal(() => check(scaleBatch, files));
  assert.match(summary, /batch_size \(a\.yaml:1\), stage2\.batch_size \(b\.yaml:2\)/);
  assert.match(detail, /batch_key/);
  assert.equal(pointer, "b.yaml:2");
  const { files: made } = apply(scaleBatch, files, { factor: 2 }, { batch_key: "stage2.batch_size" });
  assert.deepEqual([...made.keys()], ["b.yaml"]);
  assert.match(refusal(() => check(scaleBatch, files, { batch_key: "none" })).detail, /names none/);
});

test("configs without a batch size are not touched", () => {
  for (const text of ["", "lr: 0.1\n", "batch_size: big\n", "batch_size: 2.5\n", "batch_size: -8\n", "eval_batch_size: 8\n"]) {
    assert.match(refusal(() => check(scaleBatch, { "run.yaml": text })).summary, /no config here/);
  }
});

test("a file that cannot be read is told and does not keep the others from use", () => {
  const files = {
    "bytes.yaml": Buffer.from([0x62, 0x61, 0x74, 0x63, 0x68, 0xff]),
    "broken.yaml": "batch_size: [",
    "deep.json": '{"batch_size":' + "[".repeat(30000),
    "run.yaml": "batch_size: 8\n",
  };
  const { notes } = check(scaleBatch, files);
  assert.deepEqual(
    notes.map((each) => [each.severity, each.pointer]),
    [
      ["SEVERITY_WARNING", "bytes.yaml"],
      ["SEVERITY_WARNING", "broken.yaml"],
      ["SEVERITY_WARNING", "deep.json"],
      ["SEVERITY_NOTE", "run.yaml:1"],
    ],
  );
});
