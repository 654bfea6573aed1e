// Holds arguments against a schema of nightlab-params/1: a flat object of numbers, integers, booleans and strings.
// A host checks them too, but a plugin may be asked by any host.
import { note, Unmet } from "./unmet.js";

/**
 * Read arguments, check them and fill in the defaults.
 * @returns {Map<string, unknown>} A map, because a parameter may be called "__proto__".
 * @throws {Unmet} With one note per problem; each points at its argument and says what is allowed.
 */
export function readArguments(schema, text) {
  const given = readObject(text, "the arguments");
  const known = new Map(Object.entries(schema.properties));
  const problems = [...missing(schema, known, given), ...wrong(known, given)];
  if (problems.length > 0) throw Unmet.of(problems);
  const defaults = [...known].filter(([, spec]) => "default" in spec).map(([name, spec]) => [name, spec.default]);
  return new Map([...defaults, ...given]);
}

/** Read a JSON object; an empty text is an empty one. */
export function readObject(text, what) {
  let value;
  try {
    value = JSON.parse(text || "{}");
  } catch (error) {
    throw new Unmet(`${what} are not JSON`, { detail: `allowed: a JSON object; ${error.message}` });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Unmet(`${what} are no JSON object`, { detail: "allowed: a JSON object" });
  }
  return new Map(Object.entries(value));
}

function missing(schema, known, given) {
  return schema.required
    .filter((name) => !given.has(name))
    .map((name) => problem(name, `${name} is required`, describe(known.get(name))));
}

function wrong(known, given) {
  const problems = [];
  for (const [name, value] of given) {
    const spec = known.get(name);
    if (spec === undefined) {
      const names = [...known.keys()].slice(0, 12).join(", ");
      problems.push(problem(name, `${shown(name)} is no parameter`, names ? `one of ${names}` : "none"));
    } else if (!accepts(spec, value)) {
      problems.push(problem(name, `${name} = ${shown(value)} is not allowed`, describe(spec)));
    }
  }
  return problems;
}

function accepts(spec, value) {
  if (spec.enum) return spec.enum.includes(value);
  if (spec.type === "boolean") return typeof value === "boolean";
  if (spec.type === "string") return typeof value === "string" && value.length <= (spec.maxLength ?? Infinity);
  const fits = spec.type === "integer" ? Number.isInteger(value) : Number.isFinite(value);
  return fits && value >= spec.minimum && value <= spec.maximum;
}

function describe(spec) {
  if (spec.enum) return `one of ${spec.enum.map(shown).join(", ")}`;
  if (spec.type === "number" || spec.type === "integer") return `${spec.type} from ${spec.minimum} to ${spec.maximum}`;
  return spec.type;
}

function problem(name, summary, allowed) {
  const pointer = "/" + name.replaceAll("~", "~0").replaceAll("/", "~1");
  return note("ERROR", summary, { detail: `allowed: ${allowed}`, pointer: pointer.slice(0, 1024) });
}

function shown(value) {
  if (value !== null && typeof value === "object") return Array.isArray(value) ? "an array" : "an object";
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
