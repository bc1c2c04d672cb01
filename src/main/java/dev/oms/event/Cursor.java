package dev.oms.event;

import dev.oms.http.ProblemException;
import dev.oms.http.Texts;
import java.nio.ByteBuffer;
import java.util.Base64;

/**
 * A place in the feed: after the event at a position. Opaque to clients, and valid for ever, but only in the database
 * that it comes from.
 *
 * @param epoch the system identifier of the PostgreSQL cluster. A replica that takes over has the same, and so has what
 *     is restored from a base backup; a cluster that a dump was restored into has another
 * @see <a href="https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA">PostgreSQL,
 *     pg_control_system</a>
 */
public record Cursor(long epoch, long position) {
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    /**
     * Reads what {@link #toString} has written.
     *
     * @throws ProblemException 400 when it is anything else
     */
    public static Cursor parse(String text) {
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getUrlDecoder().decode(text));
            if (bytes.remaining() == 2 * Long.BYTES) {
                Cursor cursor = new Cursor(bytes.getLong(), bytes.getLong());
                // One spelling each: Base64 ignores the last bits.
                if (cursor.position >= 0 && cursor.toString().equals(text)) {
                    return cursor;
                }
            }
        } catch (IllegalArgumentException e) {
            // Not Base64.
        }
        throw ProblemException.malformed("'%s' is not a cursor: use the id of an event, or what a page had as next."
                .formatted(Texts.shorten(text, 50)));
    }

    @Override
    public String toString() {
        return ENCODER.encodeToString(ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(epoch)
                .putLong(position)
                .array());
    }
}
