/* By bit, as `response.flags` has them. */
const FLAGS = [
  "LH",
  "UH",
  "UT",
  "LR",
  "UR",
  "UF",
  "UC",
  "UO",
  "NR",
  "DI",
  "FI",
  "RL",
  "UAEX",
  "RLSE",
  "DC",
  "URX",
  "SI",
  "IH",
  "DPE",
  "UMSDR",
  "RFCF",
  "NFCF",
  "DT",
  "UPE",
  "NC",
  "OM",
  "DF",
  "DO",
  "DR",
  "UDO",
];

/** As `%RESPONSE_FLAGS%` writes them: short names with commas, `-` for none. A flag without a known name is its bit. */
export function responseFlags(bits: i64): string {
  if (bits == 0) return "-";
  let text = "";
  for (let i = 0; i < 63; i++) {
    if ((bits & ((<i64>1) << i)) == 0) continue;
    if (text != "") text += ",";
    text += i < FLAGS.length ? FLAGS[i] : "bit" + i.toString();
  }
  return text;
}
