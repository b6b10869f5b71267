// Runs one SQL statement for src/edge/sql.rs, in one crossing between wasm and JavaScript: parameters come and rows go as one
// JSON text each, where a cursor would hand over cell by cell. That is most of what a small statement costs.
//
// Long texts and blobs are not put into that JSON. They cross as they are: beside the parameters, and by `large` after an answer,
// each once, before the next statement. sql.rs has a limit of its own for parameters; the two need not agree.

const LONG = 512;
let answered = [];

export function run(sql, text, params, beside) {
  const bound = JSON.parse(params);
  if (beside.length > 0) bound.forEach((value, index) => { if (typeof value === "object" && value) bound[index] = beside[value.at]; });
  const cursor = sql.exec(text, ...bound);
  const found = cursor.toArray();
  answered = [];
  const rows = found.map((row) => Object.values(row).map((cell) => (isLarge(cell) ? { at: answered.push(cell) - 1 } : cell)));
  return JSON.stringify([cursor.rowsWritten, Object.keys(found[0] ?? {}), rows]);
}

/** Takes a cell of the last answer that was not in its JSON: nothing of it stays here. */
export function large(at) {
  const cell = answered[at];
  answered[at] = undefined;
  return cell;
}

const isLarge = (cell) => (typeof cell === "string" ? cell.length > LONG : cell instanceof ArrayBuffer);
