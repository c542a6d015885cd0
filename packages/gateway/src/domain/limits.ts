/** Every bound of the gateway that an operator can set; `limits:` in the configuration. */
export interface Limits {
  /** Largest request body. Bytes. */
  readonly bodyBytesMax: number;
  /** Deepest nesting of a request body. Levels. */
  readonly jsonDepthMax: number;
  /** Largest header section of a request. Bytes. */
  readonly headerBytesMax: number;
  /** Legacy sessions alive at one time. */
  readonly sessionsMax: number;
  /** A legacy session without a request or an open stream for this long is ended. */
  readonly sessionIdleMs: number;
  /** Open event streams (GET streams and subscriptions/listen) at one time. */
  readonly streamsMax: number;
  /** Client requests in flight at one time, over all clients. */
  readonly inFlightMax: number;
  /** Calls of modern clients that wait for answers at one time, each beside a server's process. */
  readonly parkedCallsMax: number;
  /** Answers and events waiting for one slow client connection. Bytes. */
  readonly clientBufferBytesMax: number;
  /** Events kept for `Last-Event-ID`, per session. */
  readonly replayEventsMax: number;
  /** Bytes kept for `Last-Event-ID`, per session. */
  readonly replayBytesMax: number;
  /** Longest line read from a server. Bytes. */
  readonly upstreamMessageBytesMax: number;
  /** Bytes waiting to be read by one server before further calls to it are refused. */
  readonly upstreamQueueBytesMax: number;
  /** How long a call waits for a free leased child. */
  readonly leaseWaitMs: number;
  /** How long shutdown waits for calls in flight. */
  readonly shutdownGraceMs: number;
}
