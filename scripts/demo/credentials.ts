import { readFileSync } from 'node:fs';

export interface Credentials {
  baseUrl: string;
  rpcUrl: string;
  user: { email: string; password: string };
  assets: { currency: string; tokenAddress: string | null; decimals: number }[];
}

/** Reads the sandbox's credentials, or says how to get them. */
export function readCredentials(file: string): Credentials {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
  } catch (error) {
    throw new Error(`${file} cannot be read: start the sandbox first (npm start -- --detach).`, { cause: error });
  }
}
