package dev.oms.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.process.Child;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The promtool on the PATH, which comes with Prometheus. */
final class Promtool {
    private Promtool() {}

    static boolean isInstalled() {
        return Child.find("promtool").isPresent();
    }

    /** Runs promtool, and fails with its output if it exits with a code other than 0. */
    static void run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("promtool"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(out).isZero();
    }
}
