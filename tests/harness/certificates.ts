import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface IssuedCertificate {
  /** paths of PEM files */
  certificate: string;
  key: string;
}

/** A certificate authority of a test's own, made by openssl and gone with it. */
export interface TestAuthority {
  certificate: string;
  /** @param names of the server, where it is one */
  issue(subject: string, names?: readonly string[]): IssuedCertificate;
  remove(): void;
}

export function createAuthority(name: string): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const keyArguments = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  openssl('req', '-x509', ...keyArguments, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', `/CN=${name}`);
  return {
    certificate: join(folder, 'ca.pem'),
    issue(subject, names = []) {
      const extensions = names.length > 0 ? ['-addext', `subjectAltName=${names.map((each) => `DNS:${each}`).join(',')}`] : [];
      openssl('req', '-x509', ...keyArguments, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', `${subject}.key`, '-out', `${subject}.pem`, '-subj', `/CN=${subject}`, '-addext', 'basicConstraints=critical,CA:FALSE', ...extensions);
      return { certificate: join(folder, `${subject}.pem`), key: join(folder, `${subject}.key`) };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
