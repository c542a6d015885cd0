import { handleModern } from '../../packages/gateway/src/application/sessions/modern-client.ts';
import { isObject, type JsonObject } from '../../packages/gateway/src/domain/protocol/json-rpc.ts';
import { META } from '../../packages/gateway/src/domain/protocol/revisions.ts';
import { canariesIn, canaryText, isOf, type Canary } from './canary.ts';
import { ParkedState, tampered, type Answering } from './parked-state.ts';
import { pick } from './scene.ts';
import { CLIENT_INFO, rawId, rawToken, TestClient, type ParsedMessage } from './test-client.ts';
import type { TestReply } from './test-reply.ts';
import type { TestRequest } from './test-request.ts';

/** A client without a session. Some are the same principal to the gateway, some have one of their own. */
export class ModernTestClient extends TestClient {
  readonly era = 'modern';
  /** Every state that it was ever handed, the latest last. */
  readonly states: ParkedState[] = [];

  get principal(): string {
    return this.options.isOneClient ? `pipe-${this.number}-${this.generation}` : 'anonymous';
  }

  /** States of calls that it can go on with, as far as it knows. */
  get open(): readonly ParkedState[] {
    return this.#own.filter(({ status }) => status === 'open');
  }

  /** Without those of a pipe that has ended. */
  get #own(): readonly ParkedState[] {
    return this.states.filter(({ principal }) => principal === this.principal);
  }

  /** Listens to one resource; the stream is a request that stays open. */
  subscribe(serverId: string): void {
    const notifications = { resourceSubscriptions: [this.uri(serverId)], toolsListChanged: true };
    this.send('subscriptions/listen', { notifications }, undefined);
  }

  unsubscribe(): void {
    this.waiting.find(({ method }) => method === 'subscriptions/listen')?.cancel();
  }

  /** What it waits for it cancels; what is parked it leaves. One with a pipe of its own is gone with the pipe. */
  leave(): void {
    for (const request of this.waiting) request.cancel();
    if (!this.options.isOneClient) return;
    for (const { root } of this.open) {
      root.isGivenUp = true;
      this.world.tally.count('left while parked');
    }
    const { principal } = this;
    this.generation += 1;
    this.world.hub.parking.releasePrincipal(principal);
    for (const server of this.world.hub.fleet.servers) server.releasePrincipal(principal);
  }

  /** Goes on with a call that was parked. */
  reply(at: number, how: Answering): void {
    const state = pick(this.open, at);
    if (state === undefined) return;
    const { root, isOwed } = state;
    const mustFail = this.#isExpired(state) ? 'REQUEST_STATE_EXPIRED' : undefined;
    const answers = state.answers(how, canaryText(this.me, 0));
    state.status = 'used';
    const brings = { isOwed: isOwed && mustFail === undefined, mustFail };
    const retry = this.#bring(root.sent.params, state.text, { answers, root, brings, at });
    const code = retry.refusalCode;
    this.world.tally.count(`retry with ${how} answered`);
    if (state.isOurs && !state.isParked && code === undefined) this.world.tally.count('made anew');
    if (code === 'REQUEST_STATE_EXPIRED' || code === 'PARKED_CALL_GONE') state.status = 'dead';
    else if (how === 'flawed' && state.isFlaw(retry)) state.status = 'open';
    if (state.status !== 'used') root.leg = state.leg;
    if (code === 'PARKED_CALL_GONE' && !this.world.isLost(root.canary))
      this.world.violations.add(`the call of ${canaryText(this.me, root.canary.request)} is gone`);
  }

  /** Brings a state that it has brought before. */
  replay(at: number): void {
    const state = pick(
      this.#own.filter(({ status, isOurs }) => status === 'used' && isOurs),
      at,
    );
    if (state === undefined) return;
    const code = this.#isExpired(state) ? 'REQUEST_STATE_EXPIRED' : 'REQUEST_STATE_REPLAYED';
    this.#misuse(state.root.sent.params, state, { code, at });
  }

  /** Brings its own state with a request that it was not made for. */
  misdirect(at: number): void {
    const state = pick(
      this.#own.filter(({ isOurs }) => isOurs),
      at,
    );
    if (state === undefined) return;
    const canary = canaryText(this.me, this.requests.length);
    const params = { ...state.root.sent.params, arguments: { canary } };
    this.#misuse(params, state, { code: 'REQUEST_STATE_MISMATCH', at });
  }

  /** Brings a state that was handed to somebody else, where that is possible with the very request it is for. */
  steal(other: ModernTestClient, at: number): void {
    const state = pick(
      other.states.filter(({ isOurs }) => isOurs),
      at,
    );
    if (state === undefined || (other === this && state.principal === this.principal)) return;
    const canary = canaryText(this.me, this.requests.length);
    const { params } = state.root.sent;
    // Whoever is the same principal and makes the same request is the same client to the gateway.
    const isForeign = state.principal !== this.principal;
    const isCopy = isForeign && at % 2 === 0;
    const code = isForeign ? 'REQUEST_STATE_FOREIGN' : 'REQUEST_STATE_MISMATCH';
    this.#misuse(isCopy ? params : { ...params, arguments: { canary } }, state, { code, at });
  }

  tamper(at: number): void {
    const state = pick(
      this.#own.filter(({ isOurs }) => isOurs),
      at,
    );
    if (state === undefined) return;
    const text = tampered(state.text, at);
    this.#misuse(
      state.root.sent.params,
      { text, root: state.root },
      { code: 'REQUEST_STATE_INVALID', at },
    );
  }

  /** Cancels a request that was answered with questions: that one is over. */
  cancelLate(at: number): void {
    const state = pick(this.open, at);
    if (state === undefined) return;
    const { root, leg } = state;
    const before = [leg.isGivenUp, root.isGivenUp] as const;
    leg.cancel();
    [leg.isGivenUp, root.isGivenUp] = before;
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
    const { endpoint, capabilities, wantsLogs, isOneClient } = this.options;
    const pending = handleModern(this.world.hub, {
      endpoint,
      principal: this.principal,
      isOneClient,
      request: message,
      text,
      envelope: { capabilities, logLevel: wantsLogs ? 'debug' : undefined },
      reply,
      header: () => undefined,
    });
    entry.cancel = () => {
      if (entry.outcome === undefined && entry.root !== entry)
        this.world.tally.count('cancelled retry');
      entry.giveUp();
      pending.cancel('the client gave up');
    };
  }

  protected heard(message: JsonObject, on: TestRequest | undefined): void {
    const text = JSON.stringify(message);
    if (message['id'] !== undefined)
      this.world.violations.add(`a modern client was sent a request: ${text}`);
    if (on === undefined) return;
    // A log message names no request, and a pipe has one stream for all: of its own calls any may have been meant.
    const isAboutAny = this.options.isOneClient && message['method'] === 'notifications/message';
    const isOfAnother = canariesIn(text).some(({ request }) => request !== on.root.canary.request);
    if (isOfAnother && !isAboutAny)
      this.world.violations.add(`on the stream of request ${on.canary.request}: ${text}`);
    const wanted = `"${META.subscriptionId}":${rawId(on.canary.request)}`;
    if (on.method === 'subscriptions/listen' && !text.includes(wanted))
      this.world.violations.add(`a subscription of another client: ${text}`);
  }

  protected override settled(entry: TestRequest): void {
    const code = entry.refusalCode;
    const mustFail = entry.sent.brings?.mustFail;
    if (typeof code === 'string' && /^(?:REQUEST_STATE|PARKED|INPUT)_/.test(code))
      this.world.tally.count(code);
    if (mustFail !== undefined && code !== mustFail)
      this.world.violations.add(`instead of ${mustFail} it was answered: ${entry.text}`);
    if (mustFail === undefined && String(code).startsWith('REQUEST_STATE_'))
      this.world.violations.add(`a good state was refused: ${entry.text}`);
    const { result } = entry;
    if (result?.['resultType'] === 'input_required') this.#asked(entry, result);
  }

  #asked(leg: TestRequest, result: JsonObject): void {
    const state = new ParkedState(leg, result, {
      principal: this.principal,
      nowMs: this.world.nowMs(),
    });
    for (const { method } of state.questions.values()) {
      const capability = method.split('/')[0] ?? '';
      this.world.tally.count(`asked ${method}`);
      if (!isObject(this.options.capabilities[capability]))
        this.world.violations.add(`client ${this.number} was asked for ${capability} undeclared`);
    }
    if (state.questions.size === 0 && state.isOurs)
      this.world.violations.add(`no questions: ${leg.text}`);
    this.states.push(state);
  }

  /** Times that a call was made once more, because its server had sent the client to a page. */
  madeAnew(canary: Canary): number {
    return this.states.filter(
      ({ root, status, isOurs, isParked }) =>
        root.canary.request === canary.request && status === 'used' && isOurs && !isParked,
    ).length;
  }

  #isExpired(state: ParkedState): boolean {
    return state.isOurs && state.expiresAtMs <= this.world.nowMs();
  }

  #misuse(
    params: JsonObject,
    { text, root }: Pick<ParkedState, 'text' | 'root'>,
    { code, at }: { readonly code: string; readonly at: number },
  ): void {
    const brings = { isOwed: false, mustFail: code };
    this.#bring(params, text, { answers: {}, root, brings, at });
  }

  #bring(
    params: JsonObject,
    requestState: string,
    { answers, root, brings, at }: Bringing,
  ): TestRequest {
    const token = at % 3 === 0 ? undefined : rawToken(this.requests.length);
    const retry = { ...params, requestState, inputResponses: answers };
    const own = isOf(root.canary, this.me) ? { root } : {};
    return this.send('tools/call', retry, token, { ...own, brings });
  }
}

interface Bringing {
  readonly answers: JsonObject;
  readonly root: TestRequest;
  readonly brings: { readonly isOwed: boolean; readonly mustFail: string | undefined };
  readonly at: number;
}
