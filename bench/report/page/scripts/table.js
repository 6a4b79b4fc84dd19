const table = (() => ({ start() {} }))();
