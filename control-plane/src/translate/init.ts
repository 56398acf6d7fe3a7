import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

/** The fields of a message yet to be made, which may be spread into those of another. */
export type Init<T extends DescMessage> = Exclude<MessageInitShape<T>, MessageShape<T>>;
