package dev.oms.rails;

/** A row of the source that cannot be carried over. The message is the reason in the report. */
final class Unacceptable extends Exception {
    private static final long serialVersionUID = 1L;

    Unacceptable(String reason) {
        // Without a stack trace: there may be millions.
        super(reason, null, false, false);
    }
}
