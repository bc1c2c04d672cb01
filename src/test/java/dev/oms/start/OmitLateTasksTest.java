package dev.oms.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.oms.OmsServers;
import io.netty.util.concurrent.DefaultEventExecutor;
import io.quarkus.bootstrap.logging.InitialConfigurator;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.logging.Filter;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.stream.Stream;
import org.jboss.logmanager.handlers.ConsoleHandler;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(OmsServers.class)
class OmitLateTasksTest {
    private static final String NETTY = "io.netty.util.concurrent.AbstractEventExecutor";

    @Test
    void theConsoleOmitsWhatNettyRejectsAfterItsEnd() throws InterruptedException {
        DefaultEventExecutor executor = new DefaultEventExecutor();
        executor.shutdownGracefully(0, 0, TimeUnit.SECONDS).sync();
        Throwable rejected = catchThrowable(() -> executor.execute(() -> {}));

        assertThat(rejected).isInstanceOf(RejectedExecutionException.class);
        Filter console = Stream.of(InitialConfigurator.DELAYED_HANDLER.getHandlers())
                .filter(ConsoleHandler.class::isInstance)
                .findFirst()
                .orElseThrow()
                .getFilter();
        assertThat(console.isLoggable(line(NETTY, rejected))).isFalse();
    }

    @Test
    void keepsEverythingElse() {
        Throwable late = new RejectedExecutionException("event executor terminated");

        assertThat(isLogged(NETTY, null)).isTrue();
        assertThat(isLogged(NETTY, new RejectedExecutionException("the queue is full")))
                .isTrue();
        assertThat(isLogged(NETTY, new IllegalStateException(late))).isTrue();
        assertThat(isLogged("dev.oms.job.OutageLog", late)).isTrue();
        assertThat(isLogged(NETTY, late)).isFalse();
    }

    private static boolean isLogged(String logger, Throwable thrown) {
        return new OmitLateTasks().isLoggable(line(logger, thrown));
    }

    private static LogRecord line(String logger, Throwable thrown) {
        LogRecord line = new LogRecord(Level.WARNING, "A task raised an exception.");
        line.setLoggerName(logger);
        line.setThrown(thrown);
        return line;
    }
}
