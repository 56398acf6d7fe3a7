import type { Spread } from "../measure/statistics.js";
import type { Column } from "../measure/table.js";
import { type FigureRow, isMet } from "./results.js";

const withQuarters = ({ median, low, high }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;

const goal = (row: FigureRow): string => {
  const met = isMet(row);
  if (met === undefined) return "";
  return `${(row.figure.goal ?? 0).toFixed(2)}: ${met ? "met" : "not met"}`;
};

export const COLUMNS: readonly Column<FigureRow>[] = [
  { title: "", cell: ({ figure }) => figure.title },
  { title: "istiod", cell: ({ figure, values }) => withQuarters(values.istiod, figure.digits), right: true },
  { title: "Weft", cell: ({ figure, values }) => withQuarters(values.weft, figure.digits), right: true },
  { title: "ratio", cell: ({ ratio }) => withQuarters(ratio.weft, 2), right: true },
  { title: "goal", cell: goal },
  {
    title: "Weft, scoped",
    cell: ({ figure, values }) => withQuarters(values["weft-scoped"], figure.digits),
    right: true,
  },
  { title: "ratio, scoped", cell: ({ ratio }) => withQuarters(ratio["weft-scoped"], 2), right: true },
];
