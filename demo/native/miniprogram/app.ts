// The frame of all pages: nothing to start, nothing to share.
App({});
