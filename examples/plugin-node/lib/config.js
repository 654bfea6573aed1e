// Reads YAML and JSON configs and changes single numbers in them. A number is cut out of the text and another is put in
// its place, so comments, order, quotes and line ends stay as they are.
import { isMap, isScalar, LineCounter, parseAllDocuments } from "yaml";
import { note, Unmet } from "./unmet.js";

export const READS = ["**/*.yaml", "**/*.yml", "**/*.json"];
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * One number of a config.
 * @typedef {{file: string, keys: string[], value: number, line: number, start: number, end: number}} Entry
 */

/**
 * Read every file that mentions a word.
 * @param {Map<string, Buffer>} files By path.
 * @param {RegExp} word What a file must mention to be worth reading.
 * @returns {{configs: Array<{file: string, text: string, maps: Array<object>}>, notes: object[]}}
 */
export function readConfigs(files, word) {
  const configs = [];
  const notes = [];
  for (const [file, content] of files) {
    try {
      const text = DECODER.decode(content);
      if (word.test(text)) configs.push({ file, text, maps: readMaps(file, text) });
    } catch (error) {
      // A TypeError is text that is no UTF-8, a RangeError a nesting that is too deep for the parser.
      const why = error instanceof TypeError ? "it is not UTF-8" : error.message.split("\n")[0];
      notes.push(note("WARNING", `${file} cannot be read: ${why}`, { pointer: file }));
    }
  }
  return { configs, notes };
}

/** Give a dotted name to an entry or a map, as the settings use it: "train.batch_size". */
export function dotted(thing) {
  return thing.keys.join(".");
}

/** Say where a thing is. */
export function place(thing) {
  return `${thing.file}:${thing.line}`;
}

/**
 * Choose the one thing that is meant; the user's setting decides where there are several.
 * @throws {Unmet} There is none, or there are several.
 */
export function onlyOne(things, what, setting, wanted) {
  const found = wanted === undefined ? things : things.filter((each) => dotted(each) === wanted);
  if (found.length === 0) {
    const detail = wanted === undefined ? "" : `the setting ${setting} = ${JSON.stringify(wanted)} names none`;
    throw new Unmet(`no config here has ${what}`, { detail });
  }
  if (found.length > 1) {
    const places = found.slice(0, 5).map((each) => `${dotted(each)} (${place(each)})`);
    const detail = `say in the setting ${setting} which one is meant, as "${dotted(found[0])}"`;
    throw new Unmet(`there is more than one: ${places.join(", ")}`, { detail, pointer: place(found[1]) });
  }
  return found[0];
}

/**
 * Put numbers in the place of others.
 * @param {string} text The whole file.
 * @param {Array<[Entry, string]>} changes What to write for which entry.
 */
export function replaced(text, changes) {
  return [...changes]
    .sort(([one], [other]) => other.start - one.start)
    .reduce((left, [entry, number]) => left.slice(0, entry.start) + number + left.slice(entry.end), text);
}

/** Write a number with a point and a signed exponent: YAML 1.1, which many Python scripts read, has no other floats. */
export function written(value, digits = 4) {
  const short = Number(value.toPrecision(digits));
  if (Math.abs(short) >= 1e-3 && Math.abs(short) < 1e6) return Number.isInteger(short) ? `${short}.0` : String(short);
  const [mantissa, exponent] = short.toExponential().split("e");
  return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}e${exponent}`;
}

function readMaps(file, text) {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, logLevel: "silent" });
  const maps = [];
  for (const document of documents) {
    if (document.errors.length > 0) throw document.errors[0];
    collect(document.contents, [], { file, lines, maps });
  }
  return maps;
}

function collect(node, keys, found) {
  if (!isMap(node)) return;
  const { file, lines, maps } = found;
  const map = { file, keys, line: lineOf(lines, node), entries: [], others: 0 };
  maps.push(map);
  for (const { key, value } of node.items) {
    if (!isScalar(key)) continue;
    const path = [...keys, String(key.value)];
    if (isScalar(value) && typeof value.value === "number" && Number.isFinite(value.value)) {
      const [start, end] = value.range;
      map.entries.push({ file, keys: path, value: value.value, line: lineOf(lines, value), start, end });
    } else {
      map.others += 1;
      collect(value, path, found);
    }
  }
}

function lineOf(lines, node) {
  return lines.linePos(node.range[0]).line;
}
