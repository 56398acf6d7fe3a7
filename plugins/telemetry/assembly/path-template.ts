const SLASH = 47;
const QUESTION = 63;
const HASH = 35;

/** Whether a path, without its query, has a template's form: `/users/{id}`, `/static/**`. */
export function matchesTemplate(template: string, path: string): bool {
  const end = pathEnd(path);
  let t = 0;
  let p = 0;
  while (t < template.length) {
    // Both stand on the slash before a segment.
    if (p >= end || path.charCodeAt(p) != SLASH) return false;
    const segmentEnd = indexOfSlash(template, t + 1, template.length);
    const valueEnd = indexOfSlash(path, p + 1, end);
    const segment = template.substring(t + 1, segmentEnd);
    if (segment == "**" && segmentEnd == template.length) return true;
    if (segment.startsWith("{") && segment.endsWith("}")) {
      if (valueEnd == p + 1) return false;
    } else if (segment != path.substring(p + 1, valueEnd)) return false;
    t = segmentEnd;
    p = valueEnd;
  }
  return p == end;
}

/** The first template that a path has the form of; null where it has none's. */
export function firstTemplate(templates: string[], path: string): string | null {
  for (let i = 0; i < templates.length; i++) if (matchesTemplate(templates[i], path)) return templates[i];
  return null;
}

function pathEnd(path: string): i32 {
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    if (unit == QUESTION || unit == HASH) return i;
  }
  return path.length;
}

function indexOfSlash(text: string, from: i32, end: i32): i32 {
  let i = from;
  while (i < end && text.charCodeAt(i) != SLASH) i++;
  return i;
}
