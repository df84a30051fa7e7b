// Injected by build.mjs in the place of `Intl.NumberFormat`: made when it is first asked to write something.
// uPlot makes one as it loads, which takes a slow phone tens of milliseconds before the first curve is drawn, and needs it for nothing that this page shows.

class Late {
  private made: Intl.NumberFormat | undefined;

  constructor(
    private readonly locale?: string,
    private readonly options?: Intl.NumberFormatOptions,
  ) {}

  format(value: number): string {
    this.made ??= new globalThis.Intl.NumberFormat(this.locale, this.options);
    return this.made.format(value);
  }
}

export { Late as "Intl.NumberFormat" };
