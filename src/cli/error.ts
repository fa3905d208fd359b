/** What the user of a command line did wrong, or has to be told: printed as it is after the program's name. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
