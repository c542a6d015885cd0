import { handleModern } from '../../packages/gateway/src/application/sessions/modern-client.ts';
import { META } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import type { JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { canariesIn } from './canary.ts';
import {
  CLIENT_INFO,
  rawId,
  TestClient,
  type ParsedMessage,
  type TestRequest,
} from './test-client.ts';
import type { TestReply } from './test-reply.ts';

/** A client without a session: all of them are the same principal to the gateway. */
export class ModernTestClient extends TestClient {
  readonly era = 'modern';

  /** Listens to one resource; the stream is a request that stays open. */
  subscribe(serverId: string): void {
    const notifications = { resourceSubscriptions: [this.uri(serverId)], toolsListChanged: true };
    this.send('subscriptions/listen', { notifications }, undefined);
  }

  unsubscribe(): void {
    this.waiting.find(({ method }) => method === 'subscriptions/listen')?.cancel();
  }

  leave(): void {
    for (const request of this.waiting) request.cancel();
  }

  protected override meta(): JsonObject {
    const { capabilities, wantsLogs } = this.options;
    return {
      [META.protocolVersion]: '2026-07-28',
      [META.clientCapabilities]: capabilities,
      [META.clientInfo]: CLIENT_INFO,
      ...(wantsLogs ? { [META.logLevel]: 'debug' } : {}),
    };
  }

  protected deliver(entry: TestRequest, { message, text }: ParsedMessage, reply: TestReply): void {
    if (message.kind !== 'request') throw new Error('not a request');
    const { endpoint, capabilities, wantsLogs } = this.options;
    const pending = handleModern(this.world.hub, {
      endpoint,
      principal: 'anonymous',
      isOneClient: false,
      request: message,
      text,
      envelope: { capabilities, logLevel: wantsLogs ? 'debug' : undefined },
      reply,
      header: () => undefined,
    });
    entry.cancel = () => {
      entry.isGivenUp = true;
      pending.cancel('the client gave up');
    };
  }

  protected heard(message: JsonObject, on: TestRequest | undefined): void {
    const text = JSON.stringify(message);
    if (message['id'] !== undefined)
      this.world.violations.add(`a modern client was sent a request: ${text}`);
    if (on === undefined) return;
    if (canariesIn(text).some(({ request }) => request !== on.canary.request))
      this.world.violations.add(`on the stream of request ${on.canary.request}: ${text}`);
    const wanted = `"${META.subscriptionId}":${rawId(on.canary.request)}`;
    if (on.method === 'subscriptions/listen' && !text.includes(wanted))
      this.world.violations.add(`a subscription of another client: ${text}`);
  }
}
