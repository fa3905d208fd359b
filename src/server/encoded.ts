/** Sends what is encoded already, once however many clients it goes to; in the place of a method's `responseSerialize`. */
export const asEncoded = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
