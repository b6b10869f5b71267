// Results as tables for a terminal: each group of figures that a measurement names, a row for each side or size.
//
// Called by bench/main.mjs with one entry of bench/results.json. It knows no measurement: a group is an object of objects.

const isGroup = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

export function print({ measured_on: on, ...result }) {
  console.log(`\n  ${on.cores} cores, workerd ${on.workerd}, Node ${on.node}, load ${on.load_before} before${on.quick ? ", quick" : ""}`);
  for (const [name, value] of Object.entries(result)) {
    if (!isGroup(value)) console.log(`  ${name}: ${value}`);
  }
  for (const [name, group] of Object.entries(result).filter(([, value]) => isGroup(value))) table(name, group);
}

function table(name, group) {
  const rows = Object.entries(group).map(([row, value]) => [row, isGroup(value) ? value : { [name]: value }]);
  const columns = [...new Set(rows.flatMap(([, value]) => Object.keys(value)))];
  const width = Math.max(...rows.map(([row]) => row.length)) + 2;
  console.log(`\n  ${"".padEnd(width)}${columns.map((column) => column.padStart(Math.max(14, column.length + 2))).join("")}`);
  for (const [row, value] of rows) {
    const cells = columns.map((column) => String(value[column] ?? "").padStart(Math.max(14, column.length + 2)));
    console.log(`  ${row.padEnd(width)}${cells.join("")}`);
  }
}
