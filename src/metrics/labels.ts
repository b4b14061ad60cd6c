/** What stands for all that came after there was room for it; no name of GraphQL has brackets. */
export const OTHER = '(other)';

/**
 * Makes labels of what callers, or libraries, call things: every label is a row of numbers that is kept for good, so
 * that only so many different ones may become one.
 */
export function boundedLabels(max: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= max) return OTHER;
    known.add(name);
    return name;
  };
}

/** The class of a refusal: the log also has the origin of the page, which callers choose. */
export function classOfRefusal(reason: string): string {
  return reason.startsWith('origin ') ? 'origin' : reason;
}
