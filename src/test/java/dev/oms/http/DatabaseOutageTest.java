package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.transaction.RollbackException;
import java.sql.SQLException;
import javax.transaction.xa.XAException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseOutageTest {
    @ParameterizedTest
    @ValueSource(strings = {"08006", "40001", "40P01", "53300", "57P01", "55P03"})
    void recognizesTransientFailures(String state) {
        Exception wrapped = new IllegalStateException(new SQLException("trouble", state));

        assertThat(DatabaseOutage.isBehind(wrapped)).isTrue();
        assertThat(DatabaseOutage.isCommitInDoubt(wrapped)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"23505", "22P02", "42P01"})
    void doesNotIncludeRejectedStatements(String state) {
        assertThat(DatabaseOutage.isBehind(new IllegalStateException(new SQLException("no", state))))
                .isFalse();
        assertThat(DatabaseOutage.isBehind(commitFailedBy(new SQLException("no", state))))
                .isFalse();
    }

    @Test
    void findsTheReasonOfAFailedCommit() {
        Exception failed = commitFailedBy(new SQLException("terminating connection", "57P01"));

        assertThat(DatabaseOutage.isBehind(failed)).isTrue();
        assertThat(DatabaseOutage.isCommitInDoubt(failed)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"08006, true", "57P01, true", "55P03, false", "40P01, false"})
    void knowsWhichAutoCommitFailuresAreInDoubt(String state, boolean inDoubt) {
        Exception failed = new DatabaseOutage.AutoCommitFailure(new SQLException("trouble", state));

        assertThat(DatabaseOutage.isBehind(failed)).isTrue();
        assertThat(DatabaseOutage.isCommitInDoubt(failed)).isEqualTo(inDoubt);
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
