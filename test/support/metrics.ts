/** What a text in Prometheus' format says: values by name and labels, as they are written. */
export function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/** The names of the metrics that have a value, or would have one once there was something to observe. */
export function namesOf(text: string): Set<string> {
  const names = [...samples(text).keys()].map((key) => key.replace(/\{.*/s, ''));
  const histograms = Array.from(text.matchAll(/^# TYPE (\w+) histogram$/gm), ([, name]) => name);
  return new Set([
    ...names,
    ...histograms.flatMap((name) => ['bucket', 'sum', 'count'].map((end) => `${name}_${end}`)),
  ]);
}

/** The names of all labels. */
export function labelsOf(text: string): Set<string> {
  return new Set(
    [...samples(text).keys()].flatMap((key) => Array.from(key.matchAll(/[{,](\w+)="/g), ([, label]) => String(label))),
  );
}
