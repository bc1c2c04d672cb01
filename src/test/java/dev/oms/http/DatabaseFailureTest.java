package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.transaction.RollbackException;
import java.sql.SQLException;
import javax.transaction.xa.XAException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class DatabaseFailureTest {
    @ParameterizedTest
    @CsvSource({
        "22003, DATA",
        "22P02, DATA",
        "23505, DATA",
        "23514, DATA",
        "40001, CONTENTION",
        "40P01, CONTENTION",
        "55P03, CONTENTION",
        ", OUTAGE",
        "08006, OUTAGE",
        "08P01, OUTAGE",
        "0A000, DEFECT",
        "25001, DEFECT",
        "25006, OUTAGE",
        "25P02, OUTAGE",
        "25P03, OUTAGE",
        "25P04, OUTAGE",
        "26000, OUTAGE",
        "28P01, OUTAGE",
        "3D000, OUTAGE",
        "53300, OUTAGE",
        "55000, OUTAGE",
        "57014, OUTAGE",
        "57P01, OUTAGE",
        "58030, OUTAGE",
        "99999, OUTAGE",
        "40003, IN_DOUBT",
        "42P01, SCHEMA",
        "42501, SCHEMA",
        "P0001, DEFECT",
        "XX000, DEFECT"
    })
    void tellsWhatAStateMeans(String state, DatabaseFailure expected) {
        assertThat(DatabaseFailure.of(new IllegalStateException(new SQLException("trouble", state))))
                .isEqualTo(expected);
    }

    /** The same states, as PostgreSQL reports them. */
    @ParameterizedTest
    @CsvSource({
        "0A000, RevalidateCachedQuery, OUTAGE",
        "0A000, ExecInitFunc, DEFECT",
        "55000, CheckMyDatabase, OUTAGE",
        "55000, exec_stmt_raise, DEFECT"
    })
    void tellsWhatAStateMeansByTheRoutineThatReportsIt(String state, String routine, DatabaseFailure expected) {
        ServerErrorMessage message = new ServerErrorMessage("SERROR\0C%s\0Mtrouble\0R%s\0".formatted(state, routine));

        assertThat(DatabaseFailure.of(new PSQLException(message))).isEqualTo(expected);
    }

    @Test
    void takesAnythingElseForADefect() {
        assertThat(DatabaseFailure.of(new IllegalStateException("bug"))).isEqualTo(DatabaseFailure.DEFECT);
    }

    @ParameterizedTest
    @CsvSource({"57P01, IN_DOUBT", "08006, IN_DOUBT", "40001, CONTENTION", "23505, DATA", "42P01, SCHEMA"})
    void findsTheReasonOfAFailedCommit(String state, DatabaseFailure expected) {
        assertThat(DatabaseFailure.of(commitFailedBy(new SQLException("no", state))))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "08006, IN_DOUBT",
        "57P01, IN_DOUBT",
        "99999, IN_DOUBT",
        "57014, OUTAGE",
        "55P03, CONTENTION",
        "23505, DATA"
    })
    void knowsWhichAutoCommitFailuresAreInDoubt(String state, DatabaseFailure expected) {
        assertThat(DatabaseFailure.of(new DatabaseFailure.AutoCommitFailure(new SQLException("trouble", state))))
                .isEqualTo(expected);
    }

    @Test
    void aTransactionThatTimedOutIsAnOutage() {
        Exception timedOut = new RollbackException("ARJUNA016102: The transaction is not active!");

        assertThat(DatabaseFailure.of(new IllegalStateException(timedOut))).isEqualTo(DatabaseFailure.OUTAGE);
    }

    @Test
    void aBugThatRollsBackIsADefect() {
        Exception rollback = new RollbackException("ARJUNA016053: Could not commit transaction.");
        rollback.addSuppressed(new IllegalStateException("a bug"));

        assertThat(DatabaseFailure.of(rollback)).isEqualTo(DatabaseFailure.DEFECT);
    }

    /** As Narayana and Agroal report it. */
    private static Exception commitFailedBy(SQLException e) {
        RollbackException notCommitted = new RollbackException("ARJUNA016053: Could not commit transaction.");
        XAException xa = new XAException(XAException.XAER_RMFAIL);
        xa.initCause(e);
        notCommitted.addSuppressed(xa);
        return new IllegalStateException(notCommitted);
    }
}
