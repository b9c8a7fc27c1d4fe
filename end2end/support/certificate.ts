import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key and a self-signed certificate in PEM, for one host. */
export interface Identity {
  key: string;
  cert: string;
}

/** Creates an X.509 certificate (RFC 5280) that is valid for an hour. */
export function selfSigned(host: string): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(identifier('2a8648ce3d040302'));
  const name = sequence(set(sequence(identifier('550403'), element(0x0c, Buffer.from(host)))));
  const now = Date.now();
  const validity = sequence(time(now - 3_600_000), time(now + 3_600_000));
  const alternativeName = element(0x04, sequence(element(0x82, Buffer.from(host))));
  const extensions = element(0xa3, sequence(sequence(identifier('551d11'), alternativeName)));
  const version3 = element(0xa0, integer(Buffer.from([2])));
  const content = sequence(
    version3,
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  );
  const signature = element(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', content, privateKey)]));
  const certificate = sequence(content, ecdsaWithSha256, signature);
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

const sequence = (...parts: Buffer[]) => element(0x30, Buffer.concat(parts));
const set = (...parts: Buffer[]) => element(0x31, Buffer.concat(parts));
const identifier = (hex: string) => element(0x06, Buffer.from(hex, 'hex'));
const integer = (bytes: Buffer) => element(0x02, bytes);
const time = (at: number) => element(0x17, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...length(content.length)]), content]);
}

function length(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  return bytes < 0x100 ? [0x81, bytes] : [0x82, bytes >> 8, bytes & 0xff];
}
