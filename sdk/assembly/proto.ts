import { copyBytes, decode } from "./abi/text";

const INITIAL = 64;

/**
 * Writes a protobuf message, field by field. https://protobuf.dev/programming-guides/encoding/
 *
 * ```ts
 * function person(name: string, age: u32): ArrayBuffer {
 *   const address = new ProtoWriter().string(1, "Berlin");
 *   return new ProtoWriter().string(1, name).varint(2, age).message(3, address).finish();
 * }
 * ```
 */
export class ProtoWriter {
  private bytes: StaticArray<u8> = new StaticArray<u8>(INITIAL);
  private size: i32 = 0;

  /** A field of type int32, int64, uint32, uint64, enum or bool. A zero is written too. */
  varint(field: u32, value: u64): ProtoWriter {
    this.writeVarint((<u64>field) << 3);
    this.writeVarint(value);
    return this;
  }

  /** A field of type double. */
  double(field: u32, value: f64): ProtoWriter {
    this.writeVarint(((<u64>field) << 3) | 1);
    this.reserve(8);
    store<f64>(this.end, value);
    this.size += 8;
    return this;
  }

  /** A field of type string. */
  string(field: u32, value: string): ProtoWriter {
    return this.bytesField(field, String.UTF8.encode(value));
  }

  /** A field of type bytes. */
  bytesField(field: u32, value: ArrayBuffer): ProtoWriter {
    return this.raw(field, changetype<usize>(value), value.byteLength);
  }

  /** A field that is a message. */
  message(field: u32, value: ProtoWriter): ProtoWriter {
    return this.raw(field, changetype<usize>(value.bytes), value.size);
  }

  /** The bytes of what was written; more may be written behind it. */
  finish(): ArrayBuffer {
    return copyBytes(changetype<usize>(this.bytes), this.size);
  }

  private get end(): usize {
    return changetype<usize>(this.bytes) + this.size;
  }

  private raw(field: u32, data: usize, size: i32): ProtoWriter {
    this.writeVarint(((<u64>field) << 3) | 2);
    this.writeVarint(size);
    this.reserve(size);
    memory.copy(this.end, data, size);
    this.size += size;
    return this;
  }

  private writeVarint(value: u64): void {
    this.reserve(10);
    while (value >= 0x80) {
      store<u8>(this.end, <u8>value | 0x80);
      this.size++;
      value >>= 7;
    }
    store<u8>(this.end, <u8>value);
    this.size++;
  }

  private reserve(more: i32): void {
    if (this.size + more <= this.bytes.length) return;
    const larger = new StaticArray<u8>(max(this.bytes.length << 1, this.size + more));
    memory.copy(changetype<usize>(larger), changetype<usize>(this.bytes), this.size);
    this.bytes = larger;
  }
}

/**
 * Walks through a protobuf message, field by field. Unknown fields are passed over by not looking at them.
 *
 * ```ts
 * function nameOf(message: ArrayBuffer): string {
 *   let name = "";
 *   const reader = new ProtoReader(message);
 *   while (reader.next()) if (reader.field == 1) name = reader.string();
 *   return name;
 * }
 * ```
 */
export class ProtoReader {
  /** The number of the field at hand. */
  field: u32 = 0;
  /** The value of a varint or fixed field, or the size of any other. */
  private value: u64 = 0;
  private at: u32 = 0;

  constructor(private readonly data: ArrayBuffer) {}

  /** Moves to the next field; false at the end, and where the message is broken. */
  next(): bool {
    if (this.at >= <u32>this.data.byteLength) return false;
    const tag = this.readVarint();
    const type = <u32>tag & 7;
    this.field = <u32>(tag >> 3);
    this.value = 0;
    if (type == 0) {
      this.value = this.readVarint();
      return this.field != 0;
    }
    const size: u64 = type == 1 ? 8 : type == 5 ? 4 : type == 2 ? this.readVarint() : u64.MAX_VALUE;
    const rest = <u64>(<u32>this.data.byteLength - this.at);
    if (size > rest || this.field == 0) {
      this.at = this.data.byteLength;
      return false;
    }
    const start = changetype<usize>(this.data) + this.at;
    this.value = type == 1 ? load<u64>(start) : type == 5 ? <u64>load<u32>(start) : size;
    this.at += <u32>size;
    return true;
  }

  /** The value of an int32, int64, uint32, uint64, enum or fixed field. */
  varint(): u64 {
    return this.value;
  }

  /** The value of a bool field. */
  boolean(): bool {
    return this.value != 0;
  }

  /** The value of a double field. */
  double(): f64 {
    return reinterpret<f64>(this.value);
  }

  /** The value of a string field. */
  string(): string {
    return this.size == 0 ? "" : decode(this.start, this.size);
  }

  /** The value of a bytes field, or the bytes of a message for another reader. */
  bytes(): ArrayBuffer {
    return copyBytes(this.start, this.size);
  }

  /* Never beyond what was read, whatever the field's type is. */
  private get size(): usize {
    return <usize>min(this.value, <u64>this.at);
  }

  private get start(): usize {
    return changetype<usize>(this.data) + this.at - this.size;
  }

  private readVarint(): u64 {
    let value: u64 = 0;
    for (let shift: u64 = 0; shift < 64 && this.at < <u32>this.data.byteLength; shift += 7) {
      const byte = load<u8>(changetype<usize>(this.data) + this.at++);
      value |= (<u64>(byte & 0x7f)) << shift;
      if (byte < 0x80) return value;
    }
    return value;
  }
}
