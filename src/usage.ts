/** The command line asked for what cannot be done. The message is for the person who typed it; a stack would not help. */
export class UsageError extends Error {}
