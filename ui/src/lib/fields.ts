/** Fields that are focused from another screen: by their ids, since they are not always there. */

/** The key for Daytona, in the settings. */
export const KEY_FIELD = "daytona-key";
