package dev.oms.rails;

import dev.oms.http.Texts;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * The report of rows that were not taken over: a CSV file with the columns {@code table}, {@code id} and
 * {@code reason}. Every run writes it anew and lists all that cannot be carried over, those of earlier runs as well. A
 * run that is not finished leaves the report of the one before.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc4180">RFC 4180</a>
 */
final class Rejects implements AutoCloseable {
    /** The reason for a row of an earlier run that the source has no more. */
    static final String GONE = "is gone from the source; it stays as it was taken over";

    private static final Pattern UNSHOWN = Pattern.compile("[\\p{Cc}\\p{Cs}]");
    private static final int SHOWN_MAX = 100;

    private final Path path;
    private final Path part;
    private final BufferedWriter file;
    private long count;

    /** @throws ImportRefused when the file cannot be written */
    Rejects(Path path) {
        this.path = path;
        // Each run has a file of its own. Others may read it, unlike one that createTempFile creates.
        part = path.resolveSibling(path.getFileName() + "." + UUID.randomUUID() + ".part");
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new ImportRefused("the report of rejected rows cannot be written to " + path + ": it is not a file.");
        }
        try {
            file = Files.newBufferedWriter(part, StandardCharsets.UTF_8, StandardOpenOption.CREATE_NEW);
            file.write("table,id,reason\n");
            file.flush();
        } catch (IOException e) {
            throw new ImportRefused("the report of rejected rows cannot be written to " + path + ".", e);
        }
    }

    /** @param id null when the row has none */
    void add(String table, Long id, String reason) {
        count++;
        try {
            file.write("%s,%s,\"%s\"\n".formatted(table, id == null ? "" : id, reason.replace("\"", "\"\"")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    long count() {
        return count;
    }

    /** Puts the report in the place of the one before. */
    void finish() {
        try {
            file.close();
            Files.move(part, path, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A text from the source as a reason may quote it: on one line, not too long, and without halves of a surrogate
     * pair, which JSON may have and UTF-8 cannot.
     */
    static String quote(String text) {
        return "\"" + UNSHOWN.matcher(Texts.shorten(text, SHOWN_MAX)).replaceAll("?") + "\"";
    }

    @Override
    public void close() {
        try {
            file.close();
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
