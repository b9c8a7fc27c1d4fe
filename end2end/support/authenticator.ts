import type { CDPSession, Page } from '@playwright/test';

/** A virtual authenticator with user verification. */
export class Authenticator {
  private constructor(
    private readonly session: CDPSession,
    private readonly id: string,
  ) {}

  /**
   * Adds the authenticator to a page. Its passkeys persist over navigations, and user presence is automatic. Without `autofill`, it
   * does not answer the conditional request of the field "Email", which would sign in before any button is pressed.
   */
  static async addTo(page: Page, { autofill = false } = {}): Promise<Authenticator> {
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

  /** Sets automatic user presence. Without it, requests wait until they are cancelled. */
  async setUserPresence(there: boolean): Promise<void> {
    await this.session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: this.id, enabled: there });
  }

  /** User verification fails from now on. */
  async failUserVerification(): Promise<void> {
    await this.session.send('WebAuthn.setUserVerified', { authenticatorId: this.id, isUserVerified: false });
  }

  /** User verification succeeds again. */
  async passUserVerification(): Promise<void> {
    await this.session.send('WebAuthn.setUserVerified', { authenticatorId: this.id, isUserVerified: true });
  }
}

/** Makes the page's browser one without conditional mediation. */
export async function withoutAutofill(page: Page): Promise<void> {
  await page.addInitScript(() => {
    if ('PublicKeyCredential' in window) PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
  });
}
