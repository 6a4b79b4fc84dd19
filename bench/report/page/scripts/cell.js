const cell = (() => ({ open() {} }))();
