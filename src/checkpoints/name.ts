/** Whether a folder's name can be a checkpoint's: whatever a client can ask for, and nothing that leads elsewhere. */
export const isCheckpointName = (name: string): boolean =>
  /^[A-Za-z0-9_.+-]{1,255}$/.test(name) && name !== '.' && name !== '..';
