import type { CDPSession, Page } from '@playwright/test';

/** A device with passkeys behind a fingerprint or a PIN, as the browser sees it. */
export class Authenticator {
  private constructor(
    private readonly session: CDPSession,
    private readonly id: string,
  ) {}

  /**
   * Plugs it into a page. Its passkeys stay with it over navigations. A finger lies on it, so that it answers by itself whoever
   * asks: also the box "Email", which would sign in before anybody presses a button, unless `autofill` is left out.
   */
  static async plugInto(page: Page, { autofill = false } = {}): Promise<Authenticator> {
    if (!autofill) await withoutAutofill(page);
    const session = await page.context().newCDPSession(page);
    await session.send('WebAuthn.enable');
    const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Authenticator(session, authenticatorId);
  }

  async passkeys(): Promise<{ rpId?: string; isResidentCredential: boolean }[]> {
    const { credentials } = await this.session.send('WebAuthn.getCredentials', { authenticatorId: this.id });
    return credentials;
  }

  /** Whether the finger lies on it from now on. Without, it answers nobody until they give up. */
  async hasFinger(there: boolean): Promise<void> {
    await this.session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: this.id, enabled: there });
  }

  /** From now on the finger is a stranger's, so to say. */
  async failToVerify(): Promise<void> {
    await this.session.send('WebAuthn.setUserVerified', { authenticatorId: this.id, isUserVerified: false });
  }

  /** It is its own person's again. */
  async verifyAgain(): Promise<void> {
    await this.session.send('WebAuthn.setUserVerified', { authenticatorId: this.id, isUserVerified: true });
  }
}

/** Makes the page's browser one that cannot offer passkeys in a box. */
export async function withoutAutofill(page: Page): Promise<void> {
  await page.addInitScript(() => {
    if ('PublicKeyCredential' in window) PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
  });
}
