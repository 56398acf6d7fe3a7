import { Expression, Kind, UNBOUNDED } from "./expression";
import { includes, MAX_POINT, sameRanges } from "./ranges";

export enum Op {
  /** Takes a character of set `first`. */
  Set,
  /** Goes on at both `first` and `second`. */
  Split,
  /** Goes on at `first`. */
  Jump,
  /** Goes on at the text's beginning only. */
  Begin,
  /** Goes on at the text's end only. */
  End,
  Match,
}

@final
export class Instruction {
  constructor(
    readonly op: Op,
    public first: i32 = 0,
    public second: i32 = 0,
  ) {}
}

const MAX_INSTRUCTIONS = 1000;
const MAX_SYMBOLS = 255;
const ASCII: u32 = 128;

/**
 * An expression as instructions (K. Thompson, Regular Expression Search Algorithm, 1968), and the characters as
 * symbols: those that no set tells apart are the same one.
 */
export class Program {
  readonly code: Instruction[] = [];
  symbols: i32 = 0;
  /** It has more instructions or symbols than there may be. */
  tooLarge: bool = false;
  private readonly sets: u32[][] = [];
  /* Where each interval begins, and its symbol. */
  private readonly begins: u32[] = [0];
  private readonly symbolsOf: u8[] = [];
  private readonly ascii: StaticArray<u8> = new StaticArray<u8>(ASCII);
  /* Whether symbol s is in set n, at n * symbols + s. */
  private members: StaticArray<bool> = [];

  constructor(expression: Expression) {
    this.emit(expression);
    this.add(Op.Match);
    if (!this.tooLarge) this.divide();
  }

  @inline
  symbolOf(point: u32): u32 {
    return point < ASCII ? unchecked(this.ascii[point]) : this.search(point);
  }

  includes(set: i32, symbol: i32): bool {
    return unchecked(this.members[set * this.symbols + symbol]);
  }

  private search(point: u32): u32 {
    let low = 0;
    let high = this.begins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.begins[middle] <= point) low = middle;
      else high = middle - 1;
    }
    return this.symbolsOf[low];
  }

  private add(op: Op, first: i32 = 0, second: i32 = 0): Instruction {
    const instruction = new Instruction(op, first, second);
    if (this.code.length < MAX_INSTRUCTIONS) this.code.push(instruction);
    else this.tooLarge = true;
    return instruction;
  }

  private emit(expression: Expression): void {
    if (this.tooLarge) return;
    const parts = expression.parts;
    switch (expression.kind) {
      case Kind.Set:
        this.add(Op.Set, this.setOf(expression.ranges));
        break;
      case Kind.Sequence:
        for (let i = 0; i < parts.length; i++) this.emit(parts[i]);
        break;
      case Kind.Alternatives:
        this.emitAlternatives(parts);
        break;
      case Kind.Repeat:
        this.emitRepeat(parts[0], expression.least, expression.most);
        break;
      case Kind.Begin:
        this.add(Op.Begin);
        break;
      case Kind.End:
        this.add(Op.End);
        break;
    }
  }

  private emitAlternatives(parts: Expression[]): void {
    const jumps: Instruction[] = [];
    const last = parts.length - 1;
    for (let i = 0; i < last; i++) {
      const split = this.add(Op.Split, this.code.length + 1);
      this.emit(parts[i]);
      jumps.push(this.add(Op.Jump));
      split.second = this.code.length;
    }
    this.emit(parts[last]);
    for (let i = 0; i < last; i++) jumps[i].first = this.code.length;
  }

  /* Every part adds at least one instruction, so that the bound ends nested loops soon. */
  private emitRepeat(part: Expression, least: i32, most: i32): void {
    let begin = this.code.length;
    for (let i = 0; i < least && !this.tooLarge; i++) {
      begin = this.code.length;
      this.emit(part);
    }
    if (most == UNBOUNDED) {
      if (least > 0) {
        this.add(Op.Split, begin, this.code.length + 1);
        return;
      }
      const split = this.add(Op.Split, begin + 1);
      this.emit(part);
      this.add(Op.Jump, begin);
      split.second = this.code.length;
      return;
    }
    const splits: Instruction[] = [];
    for (let i = least; i < most && !this.tooLarge; i++) {
      splits.push(this.add(Op.Split, this.code.length + 1));
      this.emit(part);
    }
    for (let i = 0; i < splits.length; i++) splits[i].second = this.code.length;
  }

  private setOf(ranges: u32[]): i32 {
    for (let i = 0; i < this.sets.length; i++) if (sameRanges(this.sets[i], ranges)) return i;
    this.sets.push(ranges);
    return this.sets.length - 1;
  }

  /* Cuts the code points where a set begins or ends, and gives intervals that are in the same sets one symbol. */
  private divide(): void {
    for (let i = 0; i < this.sets.length; i++) {
      const ranges = this.sets[i];
      for (let k = 0; k < ranges.length; k += 2) {
        this.cut(ranges[k]);
        if (ranges[k + 1] < MAX_POINT) this.cut(ranges[k + 1] + 1);
      }
    }
    const examples: u32[] = [];
    for (let i = 0; i < this.begins.length; i++) {
      let symbol = 0;
      while (symbol < examples.length && !this.alike(examples[symbol], this.begins[i])) symbol++;
      if (symbol == examples.length) examples.push(this.begins[i]);
      if (symbol == MAX_SYMBOLS) {
        this.tooLarge = true;
        return;
      }
      this.symbolsOf.push(<u8>symbol);
    }
    this.symbols = examples.length;
    for (let point: u32 = 0; point < ASCII; point++) this.ascii[point] = <u8>this.search(point);
    this.members = new StaticArray<bool>(this.sets.length * this.symbols);
    for (let i = 0; i < this.sets.length; i++) {
      for (let k = 0; k < this.symbols; k++) this.members[i * this.symbols + k] = includes(this.sets[i], examples[k]);
    }
  }

  private cut(point: u32): void {
    let at = this.begins.length;
    while (this.begins[at - 1] > point) at--;
    if (this.begins[at - 1] == point) return;
    this.begins.push(0);
    for (let i = this.begins.length - 1; i > at; i--) this.begins[i] = this.begins[i - 1];
    this.begins[at] = point;
  }

  private alike(a: u32, b: u32): bool {
    for (let i = 0; i < this.sets.length; i++) if (includes(this.sets[i], a) != includes(this.sets[i], b)) return false;
    return true;
  }
}
