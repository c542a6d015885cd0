export interface ErrorEntry {
  readonly http: 400 | 403 | 404 | 405 | 406 | 409 | 413 | 415 | 429 | 500 | 502 | 503 | 504;
  readonly jsonRpc: number;
  readonly retryable: boolean;
  readonly title: string;
  /** Of a command that ends with it; without it 1 where the request was wrong (HTTP below 500), else 2. */
  readonly exitCode?: 1 | 2 | 3;
}
