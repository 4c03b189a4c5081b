/** Words for people. A program decides by codes, which stay the same when messages change. */
export function refusal(code: unknown, message: string): string {
  switch (code) {
    case 'UNIQUE_VIOLATION':
      return 'This name is taken.';
    case 'NOT_FOUND':
      return 'You may change your own name alone.';
    default:
      return message;
  }
}
