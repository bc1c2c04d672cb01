package dev.oms.event;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.oms.http.Actor;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.transaction.Transactional;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;

/**
 * Records what happened, in the transaction that makes it happen: an event is committed with its change or not at all.
 *
 * <p>The change must have been made and its locks be held. The event's position is taken as it is recorded, so that
 * whoever sees the change, and causes another event, gets a higher position; and the events of one subject are in the
 * order of its versions.
 */
@ApplicationScoped
public class RecordEvent {
    /** Begins a statement that makes changes and records their events, for what is changed in bulk or in one call. */
    public static final String INSERT =
            "insert into events (subject, subject_id, version, type, actor, detail, created_at)";

    private static final String RECORD = INSERT + " values (split_part(?, '.', 1), ?, ?, ?, ?, cast(? as jsonb), ?)";

    private final AgroalDataSource dataSource;
    private final ObjectMapper json;

    RecordEvent(AgroalDataSource dataSource, ObjectMapper json) {
        this.dataSource = dataSource;
        this.json = json;
    }

    /**
     * Records one event. Must be called inside a transaction.
     *
     * @param version the version of the subject that the change has made
     * @param detail what a reader needs to know besides; numbers and texts by name, or empty
     */
    @Transactional(Transactional.TxType.MANDATORY)
    public void record(EventType type, long subjectId, long version, Actor actor, Instant at, Map<String, ?> detail) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = Statements.prepare(
                        connection,
                        RECORD,
                        type.wireName(),
                        subjectId,
                        version,
                        type.wireName(),
                        actor.name(),
                        detail.isEmpty() ? null : json.writeValueAsString(detail),
                        at.atOffset(ZoneOffset.UTC))) {
            statement.executeUpdate();
        } catch (SQLException | JsonProcessingException e) {
            throw new IllegalStateException("The event cannot be recorded", e);
        }
    }
}
