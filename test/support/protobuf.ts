/** A message in protobuf's wire format, read by field numbers: https://protobuf.dev/programming-guides/encoding/ */
export class Message {
  readonly #fields = new Map<number, (bigint | Buffer)[]>();

  constructor(bytes: Buffer) {
    let offset = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes.readUInt8(offset++);
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    const take = (length: number): Buffer => {
      if (offset + length > bytes.length) throw new RangeError('truncated message');
      return bytes.subarray(offset, (offset += length));
    };
    while (offset < bytes.length) {
      const tag = Number(varint());
      const values = this.#fields.get(tag >> 3) ?? [];
      this.#fields.set(tag >> 3, values);
      const wireType = tag & 7;
      if (wireType === 0) values.push(varint());
      else if (wireType === 1) values.push(take(8));
      else if (wireType === 2) values.push(take(Number(varint())));
      else if (wireType === 5) values.push(take(4));
      else throw new RangeError(`unknown wire type ${wireType}`);
    }
  }

  has = (field: number): boolean => this.#fields.has(field);
  messages = (field: number): Message[] => this.#buffers(field).map((bytes) => new Message(bytes));
  message = (field: number): Message => new Message(this.#buffers(field)[0] ?? Buffer.alloc(0));
  text = (field: number): string => (this.#buffers(field)[0] ?? Buffer.alloc(0)).toString('utf8');
  hex = (field: number): string => (this.#buffers(field)[0] ?? Buffer.alloc(0)).toString('hex');
  double = (field: number): number => this.#buffers(field)[0]?.readDoubleLE(0) ?? 0;
  fixed64 = (field: number): number => Number(this.#buffers(field)[0]?.readBigInt64LE(0) ?? 0n);
  integer(field: number): number {
    const [value = 0n] = this.#fields.get(field) ?? [];
    return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
  }

  #buffers = (field: number): Buffer[] =>
    (this.#fields.get(field) ?? []).filter((value): value is Buffer => typeof value !== 'bigint');
}
