package dev.oms.rails;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;

/**
 * When a row was created and last changed. Where the source has only one of them, it stands for both.
 *
 * @param created null where the source has neither
 * @param updated null where the source has neither
 */
record Times(Instant created, Instant updated) {
    private static final Instant MIN = Instant.parse("0001-01-01T00:00:00Z");
    private static final Instant MAX = Instant.parse("9999-12-31T23:59:59Z");

    /** Reads them from a column and the next one. */
    static Times read(ResultSet row, int column) throws SQLException {
        Instant created = instant(row, column);
        Instant updated = instant(row, column + 1);
        return new Times(created == null ? updated : created, updated == null ? created : updated);
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    /** These times, or others where the source has none. */
    Times orElse(Times others) {
        return created == null ? others : this;
    }

    /** These times, or a given one where the source has none. */
    Times orElse(Instant other) {
        return orElse(new Times(other, other));
    }

    /** Whether a row of the target has these times. One that the source does not tell is right whatever it is. */
    boolean match(Times known) {
        return created == null || equals(known);
    }

    /** Rejects infinity, and years that no client could read. */
    void require() throws Unacceptable {
        if (created != null && (!isInRange(created) || !isInRange(updated))) {
            throw new Unacceptable("has a time that is not between the years 1 and 9999");
        }
    }

    private static boolean isInRange(Instant time) {
        return !time.isBefore(MIN) && time.isBefore(MAX);
    }
}
