import { Instruction, Op, Program } from "./program";

/* Transition to a state that is not known yet. */
const UNKNOWN: u16 = 0xffff;
const FIRST_STATES = 8;
const MAX_STATES = 256;
/** All transitions, two bytes each. */
const MAX_TRANSITIONS = 32768;
/** All instructions in states, two bytes each. */
const MAX_MEMBERS = 16384;

/* What is known of a state. */
const MATCHES: u8 = 1;
const MATCHES_AT_END: u8 = 2;
const DEAD: u8 = 4;

/**
 * A deterministic automaton that is made while it is used: a state is the set of a program's instructions that a text
 * can be at. Each character costs one look-up, or where the state or its transition is new, at most one visit of each
 * instruction. When the states are too many all are forgotten, so memory is bounded and time stays linear.
 */
export class Automaton {
  /** Characters taken, and instructions visited. */
  steps: u64 = 0;
  private states: i32 = 0;
  private capacity: i32 = FIRST_STATES;
  private readonly mostStates: i32;
  private transitions: StaticArray<u16>;
  private flags: StaticArray<u8> = new StaticArray<u8>(FIRST_STATES);
  private hashes: StaticArray<u32> = new StaticArray<u32>(FIRST_STATES);
  /* Where each state's instructions begin in `members`; they end where the next one's begin. */
  private begins: StaticArray<i32> = new StaticArray<i32>(FIRST_STATES + 1);
  private members: StaticArray<u16> = new StaticArray<u16>(64);

  /* The state that is being made: what was visited, and what is left to visit. */
  private readonly visited: StaticArray<bool>;
  private readonly stack: StaticArray<u16>;
  private readonly ends: StaticArray<u16>;
  private depth: i32 = 0;
  private endCount: i32 = 0;
  private matches: bool = false;

  constructor(
    private readonly program: Program,
    /** A match may begin anywhere and the text may go on after it. */
    private readonly searches: bool,
  ) {
    const size = program.code.length;
    this.mostStates = min(MAX_STATES, MAX_TRANSITIONS / program.symbols);
    this.transitions = new StaticArray<u16>(FIRST_STATES * program.symbols);
    this.visited = new StaticArray<bool>(size);
    // An instruction is put on the stack once.
    this.stack = new StaticArray<u16>(size);
    this.ends = new StaticArray<u16>(size);
    this.begin();
  }

  run(text: string): bool {
    const program = this.program;
    const symbols = program.symbols;
    const searches = this.searches;
    let state = 0;
    let at = changetype<usize>(text);
    const end = at + ((<usize>text.length) << 1);
    this.steps += text.length;
    while (at < end) {
      const flags = unchecked(this.flags[state]);
      if (flags & (MATCHES | DEAD)) {
        if (searches && flags & MATCHES) return true;
        if (flags & DEAD) return false;
      }
      let point: u32 = load<u16>(at);
      at += 2;
      if ((point & 0xfc00) == 0xd800 && at < end) {
        const low: u32 = load<u16>(at);
        if ((low & 0xfc00) == 0xdc00) {
          point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
          at += 2;
        }
      }
      const symbol = <i32>program.symbolOf(point);
      const next = unchecked(this.transitions[state * symbols + symbol]);
      state = next == UNKNOWN ? this.follow(state, symbol) : next;
    }
    return (unchecked(this.flags[state]) & MATCHES_AT_END) != 0;
  }

  /* Forgets all states but the first. */
  private begin(): void {
    this.states = 0;
    this.clear();
    this.visit(0, true);
    this.intern();
  }

  /* Makes the state that comes after another. */
  private follow(state: i32, symbol: i32): i32 {
    this.clear();
    const last = this.begins[state + 1];
    for (let i = this.begins[state]; i < last; i++) {
      const member = <i32>this.members[i];
      this.steps++;
      if (this.program.includes(this.program.code[member].first, symbol)) this.visit(member + 1, false);
    }
    if (this.searches) this.visit(0, false);
    const known = this.states;
    const next = this.intern();
    // Where all was forgotten there is no state to go from any more.
    if (this.states >= known) this.transitions[state * this.program.symbols + symbol] = <u16>next;
    return next;
  }

  private clear(): void {
    memory.fill(changetype<usize>(this.visited), 0, this.visited.length);
    this.endCount = 0;
    this.matches = false;
  }

  /* Reaches instructions without taking a character. */
  private visit(from: i32, atBegin: bool): void {
    const code = this.program.code;
    this.push(from);
    while (this.depth > 0) {
      const at = <i32>this.stack[--this.depth];
      const instruction = code[at];
      if (instruction.op == Op.Match) this.matches = true;
      else if (instruction.op == Op.End) this.ends[this.endCount++] = <u16>at;
      else if (instruction.op != Op.Begin) this.pushNext(instruction);
      else if (atBegin) this.push(at + 1);
    }
  }

  private pushNext(instruction: Instruction): void {
    if (instruction.op == Op.Set) return;
    this.push(instruction.first);
    if (instruction.op == Op.Split) this.push(instruction.second);
  }

  private push(at: i32): void {
    this.steps++;
    if (this.visited[at]) return;
    this.visited[at] = true;
    this.stack[this.depth++] = <u16>at;
  }

  /* Whether the text may end here. */
  private matchesAtEnd(atBegin: bool): bool {
    if (this.matches) return true;
    // What is reached beyond $ takes no character any more.
    for (let i = 0; i < this.endCount && !this.matches; i++) {
      const at = <i32>this.ends[i];
      this.visit(at + 1, atBegin);
    }
    const found = this.matches;
    this.matches = false;
    return found;
  }

  /* The number of the state that was visited. */
  private intern(): i32 {
    const isFirst = this.states == 0;
    const begin = this.begins[this.states];
    const end = this.gather(begin);
    let flags: u8 = this.matches ? MATCHES : 0;
    if (this.matchesAtEnd(isFirst)) flags |= MATCHES_AT_END;
    // A search begins again after each character: what is left then is ^, which is over, or $.
    const isOver = !this.searches || (!isFirst && !(flags & MATCHES_AT_END));
    if (begin == end && isOver) flags |= DEAD;
    const hash = this.hash(begin, end) ^ flags;
    for (let i = 0; i < this.states; i++) {
      if (this.hashes[i] == hash && this.flags[i] == flags && this.holds(i, begin, end)) return i;
    }
    if (this.states == this.mostStates || end > MAX_MEMBERS) return this.beginAnew(begin, end, flags, hash);
    return this.append(end, flags, hash);
  }

  /* Writes the instructions that take a character behind those of the other states; in order, so that sets compare. */
  private gather(begin: i32): i32 {
    const code = this.program.code;
    let end = begin;
    for (let i = 0; i < code.length; i++) {
      if (!this.visited[i] || code[i].op != Op.Set) continue;
      if (end == this.members.length) this.members = grown<u16>(this.members, end * 2);
      this.members[end++] = <u16>i;
    }
    this.steps += code.length;
    return end;
  }

  private hash(begin: i32, end: i32): u32 {
    let hash: u32 = 0x811c9dc5;
    for (let i = begin; i < end; i++) hash = (hash ^ this.members[i]) * 0x01000193;
    return hash;
  }

  private holds(state: i32, begin: i32, end: i32): bool {
    const first = this.begins[state];
    const size = end - begin;
    if (this.begins[state + 1] - first != size) return false;
    const members = changetype<usize>(this.members);
    return memory.compare(members + ((<usize>first) << 1), members + ((<usize>begin) << 1), (<usize>size) << 1) == 0;
  }

  private append(end: i32, flags: u8, hash: u32): i32 {
    const symbols = this.program.symbols;
    const state = this.states++;
    if (state == this.capacity) {
      this.capacity = min(this.capacity * 2, this.mostStates);
      this.transitions = grown<u16>(this.transitions, this.capacity * symbols);
      this.flags = grown<u8>(this.flags, this.capacity);
      this.hashes = grown<u32>(this.hashes, this.capacity);
      this.begins = grown<i32>(this.begins, this.capacity + 1);
    }
    this.flags[state] = flags;
    this.hashes[state] = hash;
    this.begins[state + 1] = end;
    const row = changetype<usize>(this.transitions) + ((<usize>(state * symbols)) << 1);
    memory.fill(row, 0xff, (<usize>symbols) << 1);
    return state;
  }

  /* The new state's instructions are kept while all others go; the first state is never the new one, it is known. */
  private beginAnew(begin: i32, end: i32, flags: u8, hash: u32): i32 {
    const kept = StaticArray.slice<u16>(this.members, begin, end);
    this.begin();
    const from = this.begins[this.states];
    for (let i = 0; i < kept.length; i++) this.members[from + i] = kept[i];
    return this.append(from + kept.length, flags, hash);
  }
}

function grown<T>(array: StaticArray<T>, length: i32): StaticArray<T> {
  const larger = new StaticArray<T>(length);
  memory.copy(changetype<usize>(larger), changetype<usize>(array), <usize>array.length * sizeof<T>());
  return larger;
}
