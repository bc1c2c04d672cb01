package dev.oms.rails;

/** The import cannot be done as it was asked for. The message is one sentence for the operator. */
public final class ImportRefused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ImportRefused(String sentence) {
        super(sentence);
    }

    ImportRefused(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
